using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Small images whose bytes are in memory. Each read copies the pixels.</summary>
internal sealed class InMemoryImages(
    string description, int[] labels, IReadOnlyList<string> classNames, Func<int, ImageBuffer> image,
    Func<int, string> name
) : IImageDataset
{
    public int Count => labels.Length;

    public IReadOnlyList<string> ClassNames => classNames;

    public string Description => description;

    public LabeledImage Read(int index) => new(image(index), labels[index]);

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => name(index);
}
