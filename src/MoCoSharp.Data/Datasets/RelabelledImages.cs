using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>The images of another set, under the class numbers of a set that they are used with.</summary>
internal class RelabelledImages : IImageDataset
{
    private readonly IImageDataset inner;
    private readonly int[] labels;

    private RelabelledImages(IImageDataset inner, IReadOnlyList<string> classNames, int[] labels)
    {
        this.inner = inner;
        this.labels = labels;
        ClassNames = classNames;
    }

    public int Count => inner.Count;

    public IReadOnlyList<string> ClassNames { get; }

    public string Description => inner.Description;

    public IReadOnlyList<DataNotice> Notices => inner.Notices;

    /// <summary>Gives each image the number that its class has in a list of names.</summary>
    /// <param name="inner">The images.</param>
    /// <param name="classNames">All classes.</param>
    /// <param name="classOf">The name of an image's class; null where it has none.</param>
    public static RelabelledImages Of(IImageDataset inner, IReadOnlyList<string> classNames, Func<int, string?> classOf)
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
            : new RelabelledImages(inner, classNames, numbers);
    }

    public LabelledImage Read(int index) => inner.Read(index) with { Label = labels[index] };

    public LabelledImage Read(int index, in DecodeRequest request) =>
        inner.Read(index, request) with
        {
            Label = labels[index],
        };

    public int LabelOf(int index) => labels[index];

    public string NameOf(int index) => inner.NameOf(index);

    public long SizeOf(int index) => inner.SizeOf(index);

    private sealed class OfFiles(
        IImageDataset inner, IEncodedImages files, IReadOnlyList<string> classNames, int[] labels
    ) : RelabelledImages(inner, classNames, labels), IEncodedImages
    {
        public EncodedImage ReadEncoded(int index) => files.ReadEncoded(index);
    }
}
