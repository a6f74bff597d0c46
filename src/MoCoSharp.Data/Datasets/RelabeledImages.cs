using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>The images of another set, with the class numbers of a shared list of classes.</summary>
internal class RelabeledImages : IImageDataset
{
    private readonly IImageDataset _inner;
    private readonly int[] _labels;

    private RelabeledImages(IImageDataset inner, IReadOnlyList<string> classNames, int[] labels)
    {
        _inner = inner;
        _labels = labels;
        ClassNames = classNames;
    }

    public int Count => _inner.Count;

    public IReadOnlyList<string> ClassNames { get; }

    public string Description => _inner.Description;

    public IReadOnlyList<DataNotice> Notices => _inner.Notices;

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

    public LabeledImage Read(int index) => _inner.Read(index) with { Label = _labels[index] };

    public LabeledImage Read(int index, in DecodeRequest request) =>
        _inner.Read(index, request) with
        {
            Label = _labels[index],
        };

    public int LabelOf(int index) => _labels[index];

    public string NameOf(int index) => _inner.NameOf(index);

    public long SizeOf(int index) => _inner.SizeOf(index);

    private sealed class OfFiles(
        IImageDataset inner, IEncodedImages files, IReadOnlyList<string> classNames, int[] labels
    ) : RelabeledImages(inner, classNames, labels), IEncodedImages
    {
        public EncodedImage ReadEncoded(int index) => files.ReadEncoded(index);
    }
}
