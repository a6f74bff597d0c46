using System.Buffers.Binary;

namespace MoCoSharp.Data.Images;

/// <summary>
/// EXIF orientations: 1 is upright, 3 upside down, 6 and 8 are on a side; 2, 4, 5 and 7 are these four, mirrored.
/// </summary>
internal static class Orientation
{
    private const int Tag = 0x112;
    private const int Short = 3;
    private const int LastOrientation = 8;

    /// <summary>The orientation of a JPEG; 1 if it has none, or an invalid one.</summary>
    public static int OfJpeg(ReadOnlySpan<byte> file)
    {
        // Segments, each with a marker and a length, up to the first scan.
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF && file[at + 1] is not (0xDA or 0xD9);)
        {
            if (file[at + 1] == 0xFF)
            {
                at++; // a fill byte
                continue;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]);
            if (length < 2 || at + 2 + length > file.Length)
            {
                break;
            }

            var segment = file.Slice(at + 4, length - 2);
            if (file[at + 1] == 0xE1 && segment.StartsWith("Exif\0\0"u8))
            {
                return OfTiff(segment[6..]);
            }

            at += 2 + length;
        }

        return 1;
    }

    /// <summary>Whether an orientation swaps width and height.</summary>
    public static bool Transposes(int orientation) => orientation >= 5;

    /// <summary>Rotates an image upright. If a new image is made, the old one is disposed.</summary>
    public static ImageBuffer Apply(ImageBuffer image, int orientation)
    {
        if (orientation is <= 1 or > LastOrientation)
        {
            return image;
        }

        var (width, height) = (image.Width, image.Height);
        var turned = Transposes(orientation) ? ImageBuffer.Rent(height, width) : ImageBuffer.Rent(width, height);
        var from = image.AsSpan();
        var to = turned.Write();

        // The position of the stored pixel (0, 0), and the steps to its right and lower neighbors.
        var (start, right, down) = orientation switch
        {
            2 => (width - 1, -1, width),
            3 => ((width * height) - 1, -1, -width),
            4 => (width * (height - 1), 1, -width),
            5 => (0, height, 1),
            6 => (height - 1, height, -1),
            7 => ((width * height) - 1, -height, -1),
            _ => (height * (width - 1), -height, 1),
        };
        for (var y = 0; y < height; y++)
        {
            var place = start + (y * down);
            for (var x = 0; x < width; x++, place += right)
            {
                from.Slice(3 * ((y * width) + x), 3).CopyTo(to[(3 * place)..]);
            }
        }

        image.Dispose();
        return turned;
    }

    private static int OfTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 8 || !(tiff.StartsWith("II*\0"u8) || tiff.StartsWith("MM\0*"u8)))
        {
            return 1;
        }

        var little = tiff[0] == (byte)'I';
        var directory = little
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory + 2L > tiff.Length)
        {
            return 1;
        }

        var entries = tiff[(int)directory..];
        var count = Word(entries, little);
        for (var i = 0; i < count && 2 + (12 * (i + 1)) <= entries.Length; i++)
        {
            var entry = entries.Slice(2 + (12 * i), 12);
            if (Word(entry, little) == Tag)
            {
                int value = Word(entry[2..], little) == Short ? Word(entry[8..], little) : 1;
                return value is >= 1 and <= LastOrientation ? value : 1;
            }
        }

        return 1;
    }

    private static ushort Word(ReadOnlySpan<byte> bytes, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
