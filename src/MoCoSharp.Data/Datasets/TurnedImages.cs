using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Photos that were taken with the camera on its side: their EXIF data say so, their pixels do not.</summary>
internal static class TurnedImages
{
    private const int Most = 64;
    private const int HeadBytes = 128 << 10; // EXIF stands in the first segment, of 64 KB at most

    /// <summary>Looks at a few images, spread evenly; only the beginnings of their files are read.</summary>
    /// <returns>How many JPEG files were looked at, and how many of them have to be turned to stand upright.</returns>
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
