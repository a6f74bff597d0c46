namespace MoCoSharp.Data.Images;

/// <summary>
/// Fills the transparent and uncovered pixels of a GIF's first frame with a color of its palette, as PIL does.
/// </summary>
internal static class GifBackground
{
    private const byte ExtensionBlock = 0x21;
    private const byte GraphicControl = 0xF9;
    private const byte ImageBlock = 0x2C;

    private static ReadOnlySpan<byte> Black => [0, 0, 0];

    /// <summary>Fills the transparent pixels.</summary>
    /// <param name="rgba">Decoded pixels. Alpha is 0 or 255.</param>
    /// <param name="file">The GIF file.</param>
    public static void Fill(Span<byte> rgba, ReadOnlySpan<byte> file)
    {
        var color = ColorOf(file);
        for (var at = 0; at < rgba.Length; at += 4)
        {
            if (rgba[at + 3] == 0)
            {
                color.CopyTo(rgba[at..]);
            }
        }
    }

    // The palette color of the transparent index, or the first color; black if the file is malformed.
    private static ReadOnlySpan<byte> ColorOf(ReadOnlySpan<byte> file)
    {
        var (palette, next) = TableAt(file, flags: 10, start: 13);
        var transparent = 0;
        while (next + 10 <= file.Length)
        {
            if (file[next] == ImageBlock)
            {
                var (own, _) = TableAt(file, flags: next + 9, start: next + 10);
                palette = own.Length > 0 ? own : palette;
                break;
            }

            if (file[next] != ExtensionBlock)
            {
                break;
            }

            if (file[next + 1] == GraphicControl && (file[next + 3] & 1) != 0)
            {
                transparent = file[next + 6];
            }

            // Sub-blocks: a length byte and that many bytes. A block of length 0 ends them.
            for (next += 2; next < file.Length && file[next] > 0;)
            {
                next += 1 + file[next];
            }

            next++;
        }

        return palette.Length >= 3 * (transparent + 1) ? palette.AsSpan(3 * transparent, 3) : Black;
    }

    // The color table, if the flags announce one, and the offset after it.
    private static (byte[] Table, int Next) TableAt(ReadOnlySpan<byte> file, int flags, int start)
    {
        var length = flags < file.Length && (file[flags] & 0x80) != 0 ? 3 * (2 << (file[flags] & 7)) : 0;
        return start + length <= file.Length
            ? (file.Slice(start, length).ToArray(), start + length)
            : ([], file.Length);
    }
}
