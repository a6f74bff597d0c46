using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Image files that are named one by one, in this order, without labels.</summary>
/// <param name="description">The source, for messages.</param>
/// <param name="files">The name of each image in messages, and the path of its file.</param>
internal sealed class ImageFiles(string description, IReadOnlyList<(string Name, string Path)> files)
    : IImageDataset, IEncodedImages, IImageFiles
{
    public int Count => files.Count;

    public IReadOnlyList<string> ClassNames => [];

    public string Description => description;

    public LabeledImage Read(int index) => Read(index, default);

    public LabeledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new(file.Decode(request), -1);
    }

    public int LabelOf(int index) => -1;

    public string NameOf(int index) => files[index].Name;

    public long SizeOf(int index) => new FileInfo(PathOf(index)) is { Exists: true } file ? file.Length : -1;

    public string PathOf(int index) => files[index].Path;

    public EncodedImage ReadEncoded(int index) => EncodedImage.Read(PathOf(index));
}
