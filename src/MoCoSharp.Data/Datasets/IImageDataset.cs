using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>An image and its label.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Label">Class id, 0 or more; -1 for no label.</param>
public readonly record struct LabeledImage(ImageBuffer Image, int Label);

/// <summary>Images by index, always in the same order. Thread-safe.</summary>
public interface IImageDataset
{
    /// <summary>Number of images, M.</summary>
    int Count { get; }

    /// <summary>Class names by label; empty without labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>The source and kind of this set, for messages.</summary>
    string Description { get; }

    /// <summary>
    /// Notices about this set: files that were skipped when it was opened, and an unexpected structure.
    /// </summary>
    IReadOnlyList<DataNotice> Notices => [];

    /// <summary>Decodes one image.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <exception cref="BrokenImageException">The image cannot be read.</exception>
    LabeledImage Read(int index);

    /// <summary>
    /// Decodes one image as requested if this set holds encoded images; otherwise returns it as it is.
    /// </summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="request">How to decode it.</param>
    /// <exception cref="BrokenImageException">The image cannot be read.</exception>
    LabeledImage Read(int index, in DecodeRequest request) => Read(index);

    /// <summary>The label, without decoding; -1 for no label.</summary>
    int LabelOf(int index);

    /// <summary>
    /// A name that helps a user find the image: a path below the source, or a file and a record number.
    /// </summary>
    string NameOf(int index);

    /// <summary>Size of the image's file in bytes, without opening it; -1 if it has no file of its own.</summary>
    long SizeOf(int index) => -1;
}
