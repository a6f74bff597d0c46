using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>An image of a <see cref="FeatureSet"/>, and its similarity to a query.</summary>
/// <param name="Name">The name of the image in its data set, such as a path below the folder.</param>
/// <param name="Similarity">The cosine of its features and the query, -1 to 1; 0 if one of them has length 0.</param>
/// <param name="Row">The row of its features in the set.</param>
/// <param name="Index">The index of the image in its data set.</param>
public readonly record struct Neighbor(string Name, double Similarity, int Row, int Index);

/// <summary>
/// Features of a data set, with labels and names. Broken images are left out, so a row is not the index of the image.
/// </summary>
/// <param name="Values">Shape [M, D], on the CPU.</param>
/// <param name="Labels">The label of each image, or -1 for none. Length M.</param>
/// <param name="Indices">The index of each image in its data set. Length M.</param>
/// <param name="Names">The name of each image; null for a set without names. Length M.</param>
public sealed record FeatureSet(Tensor Values, int[] Labels, int[] Indices, IReadOnlyList<string>? Names = null)
    : IDisposable
{
    /// <summary>The number of images that this process could not read this time, and left out.</summary>
    public int Unreadable { get; init; }

    /// <summary>The number of images whose features were computed now. The others were stored.</summary>
    public int Computed { get; init; }

    /// <summary>The features of an image.</summary>
    /// <param name="name">Its name in the data set: the path below the folder.</param>
    /// <returns>Shape [D]; it shares the memory of <see cref="Values"/>.</returns>
    /// <exception cref="KeyNotFoundException">No image of that name has features, or several have.</exception>
    public Tensor this[string name] => Values[RowOf(name)];

    /// <summary>The row of an image.</summary>
    /// <param name="name">Its name in the data set.</param>
    /// <exception cref="KeyNotFoundException">No image of that name has features, or several have.</exception>
    public int RowOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var rows = Enumerable.Range(0, Names?.Count ?? 0).Where(row => Names![row] == name).Take(2).ToList();
        return rows switch
        {
            [var row] => row,
            [] => throw new KeyNotFoundException($"No image named {name} has features. " + (Names is [var first, ..]
                ? $"Is it in the data set, and can it be read? A name of this set is {first}."
                : "This set has no names.")),
            _ => throw new KeyNotFoundException(
                $"Several images are named {name}: rows {rows[0]} and {rows[1]}. Take a row of Values."),
        };
    }

    /// <summary>
    /// The images most similar to a query, the most similar first; among equals, the first of the set.
    /// </summary>
    /// <param name="query">
    /// Features of the same encoder and layer, of any length. Shape [D]. An image of this set is its own first
    /// neighbor.
    /// </param>
    /// <param name="k">The number of images, above 0. A smaller set returns all its images.</param>
    /// <exception cref="ArgumentException">The query has another shape.</exception>
    public IReadOnlyList<Neighbor> Nearest(Tensor query, int k)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        if (query.shape is not [var dimension] || dimension != Values.shape[1])
        {
            throw new ArgumentException(
                $"The query has shape [{string.Join(", ", query.shape)}], expected [{Values.shape[1]}]: the " +
                "features of one image.",
                nameof(query));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = Values.to(float32); // [M, D]
        var direction = query.cpu().to(float32);
        var products = values.mv(direction).data<float>().ToArray(); // [M]
        var squares = (values * values).sum(1).data<float>().ToArray(); // [M]
        var ofQuery = direction.dot(direction).data<float>()[0];
        float[] similarities = [.. products.Select((product, row) => Cosine(product, squares[row], ofQuery))];
        return
        [
            .. Enumerable.Range(0, similarities.Length)
                .OrderByDescending(row => similarities[row]) // stable
                .Take(k)
                .Select(row => new Neighbor(
                    Names?[row] ?? $"image {Indices[row]}", similarities[row], row, Indices[row])),
        ];
    }

    private static float Cosine(float product, float square, float otherSquare)
    {
        var cosine = product / (Math.Sqrt(square) * Math.Sqrt(otherSquare));
        return double.IsNaN(cosine) ? 0 : (float)Math.Clamp(cosine, -1, 1); // a length of 0 has no direction
    }

    /// <inheritdoc/>
    public void Dispose() => Values.Dispose();
}
