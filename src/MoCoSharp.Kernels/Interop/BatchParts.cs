using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>A gradient that is a sum over the images of a batch, taken part by part, so that what a part needs is never there for the whole batch.</summary>
internal static class BatchParts
{
    /// <summary>The sum of the parts' values, which between parts is float32.</summary>
    /// <param name="count">Images of the batch.</param>
    /// <param name="atOnce">Images of a part, above 0; the last part may have fewer.</param>
    /// <param name="part">(first image, number of images) -> their value. The same shape and type each time.</param>
    /// <returns>Of the parts' type; where there is one part, what it gave.</returns>
    public static Tensor Sum(long count, long atOnce, Func<long, long, Tensor> part)
    {
        using var scope = NewDisposeScope();
        if (count <= atOnce)
        {
            return part(0, count).MoveToOuterDisposeScope();
        }

        Tensor? sum = null;
        var type = float32;
        for (long first = 0; first < count; first += atOnce)
        {
            using var inner = NewDisposeScope();
            var value = part(first, Math.Min(atOnce, count - first));
            type = value.dtype;
            sum = sum?.add_(value, Scalars.One) ?? value.to(float32).MoveToOuterDisposeScope();
        }

        return sum!.to(type).MoveToOuterDisposeScope();
    }
}
