using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Some images of another set, in a given order.</summary>
/// <param name="inner">The set.</param>
/// <param name="indices">Positions in the set.</param>
internal sealed class ImageSubset(IImageDataset inner, int[] indices) : IImageDataset
{
    /// <inheritdoc/>
    public int Count => indices.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => inner.ClassNames;

    /// <inheritdoc/>
    public string Description => inner.Description;

    /// <summary>At most this many images, spread evenly over a set.</summary>
    /// <param name="data">The set.</param>
    /// <param name="most">Above 0.</param>
    public static ImageSubset Spread(IImageDataset data, int most)
    {
        var count = Math.Min(most, data.Count);
        return new(data, [.. Enumerable.Range(0, count).Select(i => (int)((long)i * data.Count / count))]);
    }

    /// <inheritdoc/>
    public LabeledImage Read(int index) => inner.Read(indices[index]);

    /// <inheritdoc/>
    public LabeledImage Read(int index, in DecodeRequest request) => inner.Read(indices[index], request);

    /// <inheritdoc/>
    public int LabelOf(int index) => inner.LabelOf(indices[index]);

    /// <inheritdoc/>
    public string NameOf(int index) => inner.NameOf(indices[index]);

    /// <inheritdoc/>
    public long SizeOf(int index) => inner.SizeOf(indices[index]);
}
