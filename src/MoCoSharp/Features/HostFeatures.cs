using System.Runtime.Intrinsics;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>Features on the host, one row an image, for computations that read single rows.</summary>
/// <param name="values">Row by row; not copied. Length M x D.</param>
/// <param name="count">M.</param>
/// <param name="width">D, above 0.</param>
/// <remarks>
/// Distances have the same bits on every machine and with any number of threads: the order of each sum is fixed.
/// </remarks>
internal sealed class HostFeatures(float[] values, int count, int width)
{
    /// <summary>M, the number of images.</summary>
    public int Count => count;

    /// <summary>D, the size of a feature.</summary>
    public int Width => width;

    /// <summary>All values, row by row. Length M x D.</summary>
    public float[] Values => values;

    /// <summary>Copies features to the host.</summary>
    /// <param name="features">Shape [M, D].</param>
    /// <exception cref="ArgumentException">The shape is another one, or an array cannot hold the values.</exception>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    public static HostFeatures Of(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.shape is not [var count, var width] || count == 0 || width == 0 || count * width > Array.MaxLength)
        {
            throw new ArgumentException(
                $"The features have shape [{string.Join(", ", features.shape)}], expected [M, D] with at most " +
                $"{Array.MaxLength} values.",
                nameof(features));
        }

        var values = HostMemory.Floats(features);
        return values.All(float.IsFinite)
            ? new HostFeatures(values, (int)count, (int)width)
            : throw new InvalidDataException(
                "Some features are not finite numbers, so that images cannot be compared. Has training diverged? " +
                "Take an earlier checkpoint.");
    }

    /// <summary>The features of one image. Length D.</summary>
    public ReadOnlySpan<float> Row(int row) => values.AsSpan(row * width, width);

    /// <summary>These rows, then those of another set.</summary>
    /// <param name="others">Of the same width.</param>
    public HostFeatures Followed(HostFeatures others) =>
        new([.. values, .. others.Values], count + others.Count, width);

    /// <summary>Some rows, in a given order.</summary>
    public HostFeatures Take(IReadOnlyList<int> rows)
    {
        var taken = new float[rows.Count * width];
        for (var i = 0; i < rows.Count; i++)
        {
            Row(rows[i]).CopyTo(taken.AsSpan(i * width));
        }

        return new HostFeatures(taken, rows.Count, width);
    }

    /// <summary>The square of the Euclidean distance.</summary>
    /// <param name="a">Length D.</param>
    /// <param name="b">Length D.</param>
    public static float SquaredDistance(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sums = Vector512<float>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var difference = Vector512.Create(a.Slice(i, Vector512<float>.Count))
                - Vector512.Create(b.Slice(i, Vector512<float>.Count));
            sums = Vector512.FusedMultiplyAdd(difference, difference, sums);
        }

        var sum = Vector512.Sum(sums);
        for (; i < a.Length; i++)
        {
            var difference = a[i] - b[i];
            sum += difference * difference;
        }

        return sum;
    }
}
