using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Some images of another set, in a given order.</summary>
internal class ImageSubset : IImageDataset
{
    private readonly int[] _indices;

    private ImageSubset(IImageDataset whole, int[] indices)
    {
        Whole = whole;
        _indices = indices;
    }

    /// <summary>The other set.</summary>
    public IImageDataset Whole { get; }

    /// <summary>The position of each image in <see cref="Whole"/>.</summary>
    public ReadOnlySpan<int> Positions => _indices;

    public int Count => _indices.Length;

    public IReadOnlyList<string> ClassNames => Whole.ClassNames;

    public string Description => Whole.Description;

    /// <summary>The images at some positions of a set.</summary>
    /// <param name="whole">The set.</param>
    /// <param name="indices">Positions in the set.</param>
    public static ImageSubset Of(IImageDataset whole, int[] indices) =>
        whole is IImageFiles files and IEncodedImages encoded
            ? new OfFiles(whole, files, encoded, indices)
            : new ImageSubset(whole, indices);

    /// <summary>At most this many images, spread evenly over a set.</summary>
    /// <param name="whole">The set.</param>
    /// <param name="most">Above 0.</param>
    public static ImageSubset Spread(IImageDataset whole, int most) => Of(whole, EvenSpread.Of(whole.Count, most));

    public LabeledImage Read(int index) => Whole.Read(_indices[index]);

    public LabeledImage Read(int index, in DecodeRequest request) => Whole.Read(_indices[index], request);

    public int LabelOf(int index) => Whole.LabelOf(_indices[index]);

    public string NameOf(int index) => Whole.NameOf(_indices[index]);

    public long SizeOf(int index) => Whole.SizeOf(_indices[index]);

    private sealed class OfFiles(IImageDataset whole, IImageFiles files, IEncodedImages encoded, int[] indices)
        : ImageSubset(whole, indices), IImageFiles, IEncodedImages
    {
        public string PathOf(int index) => files.PathOf(_indices[index]);

        public EncodedImage ReadEncoded(int index) => encoded.ReadEncoded(_indices[index]);
    }
}
