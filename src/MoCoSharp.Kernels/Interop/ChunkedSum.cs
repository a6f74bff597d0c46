using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>A sum over the images of a batch, computed chunk by chunk, with temporary memory for one chunk.</summary>
internal static class ChunkedSum
{
    /// <summary>The sum of the chunks' values, added in float32.</summary>
    /// <param name="count">Images of the batch.</param>
    /// <param name="atOnce">Images of a chunk, above 0. The last chunk may have fewer.</param>
    /// <param name="chunk">(first image, number of images) to their value. The same shape and type each time.</param>
    /// <returns>The sum, of the chunks' type. For a single chunk, its value.</returns>
    public static Tensor Compute(long count, long atOnce, Func<long, long, Tensor> chunk)
    {
        using var scope = NewDisposeScope();
        if (count <= atOnce)
        {
            return chunk(0, count).MoveToOuterDisposeScope();
        }

        Tensor? sum = null;
        var type = float32;
        for (long first = 0; first < count; first += atOnce)
        {
            using var inner = NewDisposeScope();
            var value = chunk(first, Math.Min(atOnce, count - first));
            type = value.dtype;
            sum = sum?.add_(value, Scalars.One) ?? value.to(float32).MoveToOuterDisposeScope();
        }

        return sum!.to(type).MoveToOuterDisposeScope();
    }
}
