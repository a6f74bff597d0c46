using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>An image with what is known of it.</summary>
/// <param name="Image">The pixels.</param>
/// <param name="Label">Class id, 0 and up; -1 where there is none.</param>
public readonly record struct LabelledImage(ImageBuffer Image, int Label);

/// <summary>Images by index, the same ones in the same order each time; safe to read from several threads.</summary>
public interface IImageDataset
{
    /// <summary>Number of images, M.</summary>
    int Count { get; }

    /// <summary>Class names by label; empty where there are no labels.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>What a person calls this set, for messages: its source and kind.</summary>
    string Description { get; }

    /// <summary>
    /// What a person should know of this set: what was passed over when it was opened, and what looks wrong.
    /// </summary>
    IReadOnlyList<DataNotice> Notices => [];

    /// <summary>Decodes one image.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <exception cref="BrokenImageException">The image cannot be read.</exception>
    LabelledImage Read(int index);

    /// <summary>Decodes one image as asked, where this set holds encoded images; else gives it as it is.</summary>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="request">How to read it.</param>
    /// <exception cref="BrokenImageException">The image cannot be read.</exception>
    LabelledImage Read(int index, in DecodeRequest request) => Read(index);

    /// <summary>The label alone, without decoding; -1 where there is none.</summary>
    int LabelOf(int index);

    /// <summary>
    /// A name that a person can find the image by: a path below the source, or file and record number.
    /// </summary>
    string NameOf(int index);

    /// <summary>Bytes of the image's own file, without opening it; -1 where it has none.</summary>
    long SizeOf(int index) => -1;
}
