namespace MoCoSharp.Data.Images;

/// <summary>
/// What shows where a GIF's first frame is transparent or does not reach: a colour of its palette, as in PIL.
/// </summary>
internal static class GifBackground
{
    private const byte ExtensionBlock = 0x21;
    private const byte GraphicControl = 0xF9;
    private const byte ImageBlock = 0x2C;

    private static ReadOnlySpan<byte> Black => [0, 0, 0];

    /// <summary>Gives the decoder's clear pixels their colour.</summary>
    /// <param name="rgba">Decoded pixels; alpha is 0 or 255.</param>
    /// <param name="file">The GIF.</param>
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

    // The palette's entry of the transparent index, or its first; black where the file is not what it says.
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

            // Sub-blocks of a length byte and so many bytes, up to one of length 0.
            for (next += 2; next < file.Length && file[next] > 0;)
            {
                next += 1 + file[next];
            }

            next++;
        }

        return palette.Length >= 3 * (transparent + 1) ? palette.AsSpan(3 * transparent, 3) : Black;
    }

    // A colour table, if its flags say that there is one, and where the file goes on.
    private static (byte[] Table, int Next) TableAt(ReadOnlySpan<byte> file, int flags, int start)
    {
        var length = flags < file.Length && (file[flags] & 0x80) != 0 ? 3 * (2 << (file[flags] & 7)) : 0;
        return start + length <= file.Length
            ? (file.Slice(start, length).ToArray(), start + length)
            : ([], file.Length);
    }
}
