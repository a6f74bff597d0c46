using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Copies between managed arrays and tensors.</summary>
public static class HostMemory
{
    /// <summary>Copies images in HWC order to a device.</summary>
    /// <param name="pixels">At least count x size x size x 3 values, [N, H, W, 3].</param>
    /// <param name="count">N.</param>
    /// <param name="size">H and W, in pixels.</param>
    /// <param name="device">Where the tensor lives.</param>
    /// <returns>Shape [N, 3, H, W], channels last. Made by one copy, without reordering.</returns>
    public static Tensor Images(float[] pixels, int count, int size, Device device)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var scope = NewDisposeScope();
        if (device.type == DeviceType.CUDA)
        {
            var shared = frombuffer(pixels, float32, count * size * size * 3L).view(count, size, size, 3); // no copy
            return DeviceCopy.To(shared, device).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
        }

        var target = empty([count, size, size, 3], dtype: float32);
        pixels
            .AsSpan(0, count * size * size * 3)
            .CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(target.bytes));
        return target.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>The values of a tensor, in row-major order, on the host. Waits for the device.</summary>
    public static float[] Floats(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var scope = NewDisposeScope();
        return tensor.detach().to(float32).cpu().contiguous().data<float>().ToArray();
    }
}
