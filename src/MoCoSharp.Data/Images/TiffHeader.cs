using System.Buffers.Binary;

namespace MoCoSharp.Data.Images;

/// <summary>
/// Checks the first directory of a TIFF file before the library allocates memory for the sizes in it.
/// </summary>
internal static class TiffHeader
{
    private const int EntryBytes = 12;
    private const int MostEntries = 1000;

    private const int Width = 256;
    private const int Height = 257;
    private const int StripOffsets = 273;
    private const int RowsPerStrip = 278;
    private const int TileWidth = 322;
    private const int TileHeight = 323;
    private const int TileOffsets = 324;

    /// <summary>
    /// Whether the directory and all data that it points to are inside the file, and the number of strips or tiles
    /// matches the image size.
    /// </summary>
    /// <exception cref="BrokenImageException">The image is too large.</exception>
    public static bool IsWhole(ReadOnlySpan<byte> file, string name)
    {
        var isLittle = file[0] == (byte)'I';
        if (file.Length < 8 || Word(file, 4, isLittle) is var at && (at > file.Length - 2 || at < 8))
        {
            return false;
        }

        var directory = (int)at;
        var count = Short(file, directory, isLittle);
        if (count > MostEntries || directory + 2 + (count * EntryBytes) > file.Length)
        {
            return false;
        }

        var numbers = new Dictionary<int, long>(); // values of single-value entries
        var blocks = new Dictionary<int, long>(); // numbers of offsets
        for (var i = 0; i < count; i++)
        {
            var entry = directory + 2 + (i * EntryBytes);
            var (tag, type, values) = (
                Short(file, entry, isLittle),
                Short(file, entry + 2, isLittle),
                Word(file, entry + 4, isLittle));
            var size = type switch
            {
                1 or 2 or 6 or 7 => 1,
                3 or 8 => 2,
                4 or 9 or 11 or 13 => 4,
                5 or 10 or 12 => 8,
                _ => 0,
            };
            if (
                size * values > 4
                && (size * values > file.Length || Word(file, entry + 8, isLittle) > file.Length - (size * values)))
            {
                return false;
            }

            if (values == 1 && size is 2 or 4)
            {
                numbers.TryAdd(tag, size == 2 ? Short(file, entry + 8, isLittle) : Word(file, entry + 8, isLittle));
            }

            blocks.TryAdd(tag, size > 0 ? values : 0);
        }

        var (width, height) = (numbers.GetValueOrDefault(Width), numbers.GetValueOrDefault(Height));
        if (width is < 1 or > int.MaxValue || height is < 1 or > int.MaxValue)
        {
            return false;
        }

        ImageDecoder.ThrowIfTooLarge((int)width, (int)height, name);
        if (blocks.TryGetValue(TileOffsets, out var tiles))
        {
            var (across, down) = (numbers.GetValueOrDefault(TileWidth), numbers.GetValueOrDefault(TileHeight));
            return across > 0 && down > 0 && Blocks(width, across) * Blocks(height, down) <= tiles;
        }

        var rows = numbers.GetValueOrDefault(RowsPerStrip, uint.MaxValue);
        return rows > 0 && Blocks(height, rows) <= blocks.GetValueOrDefault(StripOffsets);
    }

    private static long Blocks(long size, long ofOne) => (size + ofOne - 1) / ofOne;

    private static int Short(ReadOnlySpan<byte> file, int at, bool isLittle) =>
        isLittle
            ? BinaryPrimitives.ReadUInt16LittleEndian(file[at..])
            : BinaryPrimitives.ReadUInt16BigEndian(file[at..]);

    private static long Word(ReadOnlySpan<byte> file, int at, bool isLittle) =>
        isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(file[at..])
            : BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
}
