using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>The images of another set, with the class numbers of a shared list of classes.</summary>
internal class RelabeledImages : IImageDataset
{
    private readonly IImageDataset inner;
    private readonly int[] labels;

    private RelabeledImages(IImageDataset inner, IReadOnlyList<string> classNames, int[] labels)
    {
        this.inner = inner;
        this.labels = labels;
        ClassNames = classNames;
    }

    public int Count => inner.Count;

    public IReadOnlyList<string> ClassNames { get; }

    public string Description => inner.Description;

    public IReadOnlyList<DataNotice> Notices => inner.Notices;

    /// <summary>Numbers the class of each image by its place in a list of names.</summary>
    /// <param name="inner">The images.</param>
    /// <param name="classNames">All classes.</param>
    /// <param name="classOf">The class name of an image; null for none.</param>
    public static RelabeledImages Of(IImageDataset inner, IReadOnlyList<string> classNames, Func<int, string?> classOf)
    {
        var ids = classNames
            .Select((name, id) => (name, id))
            .ToDictionary(item => item.name, item => item.id, StringComparer.Ordinal);
        int[] numbers =
        [
            .. Enumerable.Range(0, inner.Count).Select(index => classOf(index) is { } name ? ids[name] : -1),
        ];
        return inner is IEncodedImages files
            ? new OfFiles(inner, files, classNames, numbers)
            : new RelabeledImages(inner, classNames, numbers);
    }

    public LabeledImage Read(int index) => inner.Read(index) with { Label = labels[index] };

    public LabeledImage Read(int index, in DecodeRequest request) =>
        inner.Read(index, request) with
        {
            Label = labels[index],
        };

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => inner.NameOf(index);

    public long SizeOf(int index) => inner.SizeOf(index);

    private sealed class OfFiles(
        IImageDataset inner, IEncodedImages files, IReadOnlyList<string> classNames, int[] labels
    ) : RelabeledImages(inner, classNames, labels), IEncodedImages
    {
        public EncodedImage ReadEncoded(int index) => files.ReadEncoded(index);
    }
}
