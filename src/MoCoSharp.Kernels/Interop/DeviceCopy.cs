using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Copies from the host that do not wait for the device.</summary>
/// <remarks>
/// TorchSharp's <c>to</c> and <c>tensor(values, device: …)</c> wait until the GPU has done all earlier work. Then the
/// GPU idles while the host prepares the next kernels.
/// </remarks>
internal static class DeviceCopy
{
    private const long Large = 64 << 10; // bytes; the driver copies less at once, also from memory that can be swapped

    /// <summary>The tensor on a device. Returns an alias if it is there already.</summary>
    /// <param name="host">On the CPU, contiguous. May be disposed at once.</param>
    /// <param name="device">Where the copy lives.</param>
    public static Tensor To(Tensor host, Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            return host.to(device);
        }

        using var scope = NewDisposeScope();
        // Memory that cannot be swapped (pinned) is read by the GPU itself. libtorch keeps it until the copy is done.
        var source = host.numel() * host.element_size() > Large ? host.pin_memory() : host;
        return source.to(device, non_blocking: true).MoveToOuterDisposeScope();
    }

    /// <summary>Row numbers on a device.</summary>
    /// <returns>Shape [N], int64.</returns>
    public static Tensor Rows(long[] rows, Device device)
    {
        using var scope = NewDisposeScope();
        return To(tensor(rows), device).MoveToOuterDisposeScope();
    }
}
