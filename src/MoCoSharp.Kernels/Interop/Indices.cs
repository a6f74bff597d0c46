using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Rows by number.</summary>
internal static class Indices
{
    /// <summary>
    /// 0 to count - 1. Replaces torch.arange, whose numbers are not held; see <see cref="Scalars"/>.
    /// </summary>
    /// <returns>Shape [count], int64.</returns>
    public static Tensor UpTo(long count, Device device)
    {
        var values = new long[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = i;
        }

        return DeviceCopy.Rows(values, device);
    }
}
