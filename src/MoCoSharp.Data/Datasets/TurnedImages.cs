using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Counts photos that are rotated by their EXIF orientation.</summary>
internal static class TurnedImages
{
    private const int Most = 64;
    private const int HeadBytes = 128 << 10; // EXIF is in the first segment, of at most 64 KB

    /// <summary>Checks a few images, spread evenly. Only the beginnings of their files are read.</summary>
    /// <returns>The number of JPEG files that were checked, and how many of them must be rotated.</returns>
    public static (int Looked, int Turned) Count(IImageDataset data)
    {
        var (looked, turned) = (0, 0);
        var taken = data is IImageFiles ? Math.Min(Most, data.Count) : 0;
        for (var i = 0; i < taken; i++)
        {
            var head = SourceFile.Head(((IImageFiles)data).PathOf((int)((long)i * data.Count / taken)), HeadBytes);
            if (head is [0xFF, 0xD8, 0xFF, ..])
            {
                looked++;
                turned += Orientation.OfJpeg(head) > 1 ? 1 : 0;
            }
        }

        return (looked, turned);
    }
}
