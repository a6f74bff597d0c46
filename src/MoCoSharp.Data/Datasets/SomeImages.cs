using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Evenly spaced images of another set, in its order, so that sorted classes are all represented.</summary>
/// <param name="inner">The images.</param>
/// <param name="most">Number of images; a smaller set is taken whole.</param>
internal sealed class SomeImages(IImageDataset inner, int most) : IImageDataset
{
    public int Count { get; } = Math.Min(most, inner.Count);

    public IReadOnlyList<string> ClassNames => inner.ClassNames;

    public string Description => inner.Description;

    public LabeledImage Read(int index) => inner.Read(Place(index));

    public LabeledImage Read(int index, in DecodeRequest request) => inner.Read(Place(index), request);

    public int LabelOf(int index) => inner.LabelOf(Place(index));

    public string NameOf(int index) => inner.NameOf(Place(index));

    public long SizeOf(int index) => inner.SizeOf(Place(index));

    private int Place(int index) => (int)((long)index * inner.Count / Count);
}
