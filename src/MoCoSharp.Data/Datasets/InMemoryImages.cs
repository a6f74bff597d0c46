using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Small images of one size, held in memory as RGB.</summary>
internal sealed class InMemoryImages(string description, int width, int height, byte[][] pixels, int[] labels, IReadOnlyList<string> classNames) : IImageDataset
{
    public int Count => pixels.Length;

    public IReadOnlyList<string> ClassNames => classNames;

    public string Description => description;

    public LabelledImage Read(int index) => new(new ImageBuffer(width, height, pixels[index]), labels[index]);

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => $"{description}#{index}";
}
