using System.Buffers;
using System.Runtime.InteropServices;
using BitMiracle.LibTiff.Classic;

namespace MoCoSharp.Data.Images;

/// <summary>
/// Decodes the first image of a TIFF file: gray, palette, RGB and CMYK of up to 16 bits, in strips or tiles, with the
/// common compressions.
/// </summary>
internal static unsafe class TiffDecoder
{
    private const int LargestBlock = 1 << 29; // bytes of a strip or tile
    private const int MostSamples = 16; // of a pixel
    private const int ReducedImage = 1; // SUBFILETYPE of a preview, which camera raw files begin with
    private const int UnsignedSamples = 1;
    private const int Contiguous = 1;

    /// <summary>Whether a file begins like TIFF, and not like a Canon raw file. BigTIFF is not supported.</summary>
    public static bool Begins(ReadOnlySpan<byte> file) =>
        file is [(byte)'I', (byte)'I', 42, 0, ..] or [(byte)'M', (byte)'M', 0, 42, ..]
        && !(file.Length > 10 && file[8..].StartsWith("CR"u8));

    /// <summary>Decodes the image and applies its orientation, as Pillow does for TIFF.</summary>
    /// <exception cref="BrokenImageException">The image is damaged, or of an unsupported kind.</exception>
    public static ImageBuffer Decode(ReadOnlySpan<byte> file, string name)
    {
        if (!TiffHeader.IsWhole(file, name))
        {
            throw new BrokenImageException(
                $"{name}: begins as a TIFF image, but cannot be decoded: it is damaged or cut short.");
        }

        fixed (byte* bytes = file)
        {
            try
            {
                Tiff.SetErrorHandler(Silent.Instance);
                using var memory = new UnmanagedMemoryStream(bytes, file.Length);
                using var tiff = Tiff.ClientOpen(name, "r", memory, new TiffStream())
                    ?? throw new BrokenImageException($"{name}: cannot be decoded: the TIFF image is damaged.");
                var layout = Layout.Of(tiff, file.Length, name);
                return Orientation.Apply(Read(tiff, layout, name), Number(tiff, TiffTag.ORIENTATION, otherwise: 1));
            }
            catch (OutOfMemoryException error)
            {
                throw new BrokenImageException($"{name}: no memory for this TIFF image.", error);
            }
            catch (Exception error) when (error is not BrokenImageException)
            {
                // The library throws exceptions of every kind for damaged files.
                throw new BrokenImageException($"{name}: cannot be decoded: the TIFF image is damaged.", error);
            }
        }
    }

    private static ImageBuffer Read(Tiff tiff, in Layout layout, string name)
    {
        var block = ArrayPool<byte>.Shared.Rent(layout.BlockBytes);
        var image = ImageBuffer.Rent(layout.Width, layout.Height);
        var isDone = false;
        try
        {
            for (var y = 0; y < layout.Height; y += layout.BlockHeight)
            {
                for (var x = 0; x < layout.Width; x += layout.BlockWidth)
                {
                    var rows = Math.Min(layout.BlockHeight, layout.Height - y);
                    var wanted = layout.RowBytes * (layout.IsTiled ? layout.BlockHeight : rows);
                    var read = layout.IsTiled
                        ? tiff.ReadEncodedTile(tiff.ComputeTile(x, y, 0, 0), block, 0, wanted)
                        : tiff.ReadEncodedStrip(tiff.ComputeStrip(y, 0), block, 0, wanted);
                    if (read < wanted)
                    {
                        throw new BrokenImageException(
                            $"{name}: the file ends in the middle of the image, or is damaged there.");
                    }

                    var columns = Math.Min(layout.BlockWidth, layout.Width - x);
                    var pixels = image.Write();
                    for (var row = 0; row < rows; row++)
                    {
                        layout.Convert(
                            block.AsSpan(row * layout.RowBytes, layout.RowBytes),
                            pixels.Slice(3 * (((y + row) * layout.Width) + x), 3 * columns));
                    }
                }
            }

            isDone = true;
            return image;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
            if (!isDone)
            {
                image.Dispose();
            }
        }
    }

    private static int Number(Tiff tiff, TiffTag tag, int otherwise) =>
        tiff.GetFieldDefaulted(tag) is [var value, ..] ? value.ToInt() : otherwise;

    /// <summary>The layout of pixels in the file.</summary>
    private readonly record struct Layout(
        int Width, int Height, int BlockWidth, int BlockHeight, bool IsTiled, int Bits, int Samples,
        Photometric Colors, byte[]? Table)
    {
        public int RowBytes => (int)((((long)BlockWidth * Bits * Samples) + 7) / 8);

        public int BlockBytes => RowBytes * BlockHeight;

        public static Layout Of(Tiff tiff, int fileBytes, string name)
        {
            var (width, height) = (Number(tiff, TiffTag.IMAGEWIDTH, 0), Number(tiff, TiffTag.IMAGELENGTH, 0));
            ImageDecoder.ThrowIfTooLarge(width, height, name);
            var (bits, samples) = (Number(tiff, TiffTag.BITSPERSAMPLE, 1), Number(tiff, TiffTag.SAMPLESPERPIXEL, 1));
            var colors = (Photometric)Number(tiff, TiffTag.PHOTOMETRIC, -1);
            if ((Number(tiff, TiffTag.SUBFILETYPE, 0) & ReducedImage) != 0)
            {
                throw new BrokenImageException($"{name}: is a camera's raw file. Develop it to JPEG or PNG.");
            }

            if (colors == Photometric.YCBCR && Number(tiff, TiffTag.COMPRESSION, 1) == (int)Compression.JPEG)
            {
                tiff.SetField(TiffTag.JPEGCOLORMODE, JpegColorMode.RGB);
                colors = Photometric.RGB;
            }

            var needed = colors switch
            {
                Photometric.MINISBLACK or Photometric.MINISWHITE or Photometric.PALETTE => 1,
                Photometric.RGB => 3,
                Photometric.SEPARATED => 4, // CMYK
                _ => 0,
            };
            if (
                needed == 0
                || samples < needed
                || samples > MostSamples
                || bits is not (1 or 2 or 4 or 8 or 16)
                || (needed > 1 && bits < 8)
                || (colors == Photometric.PALETTE && bits > 8)
                || Number(tiff, TiffTag.SAMPLEFORMAT, UnsignedSamples) != UnsignedSamples
                || Number(tiff, TiffTag.PLANARCONFIG, Contiguous) != Contiguous)
            {
                throw new BrokenImageException(
                    $"{name}: is a TIFF image of a kind that is not read ({colors}, {samples} samples of {bits} " +
                    "bits). Convert it to JPEG or PNG.");
            }

            // Memory is allocated for the size that the file can hold, not for the size in its header.
            var all = (((long)width * bits * samples) + 7) / 8 * height;
            if (all / Expansion((Compression)Number(tiff, TiffTag.COMPRESSION, 1)) > fileBytes)
            {
                throw new BrokenImageException(
                    $"{name}: {width} x {height} pixels are more than its {fileBytes} bytes can hold. It is damaged " +
                    "or cut short.");
            }

            var isTiled = tiff.IsTiled();
            var blockWidth = isTiled ? Number(tiff, TiffTag.TILEWIDTH, 0) : width;
            var blockHeight = isTiled
                ? Number(tiff, TiffTag.TILELENGTH, 0)
                : Number(tiff, TiffTag.ROWSPERSTRIP, height);
            blockHeight = isTiled || (blockHeight > 0 && blockHeight < height) ? blockHeight : height;
            if (
                blockWidth <= 0
                || blockHeight <= 0
                || (((long)blockWidth * bits * samples) + 7) / 8 * blockHeight > LargestBlock)
            {
                throw new BrokenImageException(
                    $"{name}: has strips or tiles of {blockWidth} x {blockHeight} pixels, expected at most " +
                    $"{LargestBlock} bytes.");
            }

            return new(
                width, height, blockWidth, blockHeight, isTiled, bits, samples, colors,
                bits <= 8 && needed == 1 ? TableOf(tiff, colors, bits, name) : null);
        }

        /// <summary>Converts a row to RGB.</summary>
        public void Convert(ReadOnlySpan<byte> row, Span<byte> rgb)
        {
            if (Bits == 16)
            {
                // Samples have the byte order of the machine. The high byte is kept.
                Wide(MemoryMarshal.Cast<byte, ushort>(row), rgb);
                return;
            }

            for (int to = 0, pixel = 0; to < rgb.Length; to += 3, pixel++)
            {
                if (Table is { } table)
                {
                    var bit = pixel * Samples * Bits;
                    var value = (row[bit / 8] >> (8 - Bits - (bit % 8))) & ((1 << Bits) - 1);
                    table.AsSpan(3 * value, 3).CopyTo(rgb[to..]);
                }
                else if (Colors == Photometric.RGB)
                {
                    row.Slice(pixel * Samples, 3).CopyTo(rgb[to..]);
                }
                else
                {
                    FromCmyk(row.Slice(pixel * Samples, 4), rgb[to..]);
                }
            }
        }

        private void Wide(ReadOnlySpan<ushort> row, Span<byte> rgb)
        {
            Span<byte> cmyk = stackalloc byte[4];
            for (int to = 0, from = 0; to < rgb.Length; to += 3, from += Samples)
            {
                switch (Colors)
                {
                    case Photometric.RGB:
                        (rgb[to], rgb[to + 1], rgb[to + 2]) = (
                            (byte)(row[from] >> 8),
                            (byte)(row[from + 1] >> 8),
                            (byte)(row[from + 2] >> 8));
                        break;
                    case Photometric.SEPARATED:
                        for (var i = 0; i < cmyk.Length; i++)
                        {
                            cmyk[i] = (byte)(row[from + i] >> 8);
                        }

                        FromCmyk(cmyk, rgb[to..]);
                        break;
                    default:
                        var gray = (byte)(row[from] >> 8);
                        rgb.Slice(to, 3).Fill(Colors == Photometric.MINISWHITE ? (byte)~gray : gray);
                        break;
                }
            }
        }

        // Pillow's formula: each ink is scaled by the white that black leaves, and rounded.
        private static void FromCmyk(ReadOnlySpan<byte> cmyk, Span<byte> rgb)
        {
            for (var i = 0; i < 3; i++)
            {
                var product = ((255 - cmyk[i]) * (255 - cmyk[3])) + 128;
                rgb[i] = (byte)((product + (product >> 8)) >> 8);
            }
        }

        // The largest number of bytes that one byte can expand to.
        private static int Expansion(Compression compression) => compression switch
        {
            Compression.NONE => 1,
            Compression.PACKBITS => 64,
            Compression.CCITTRLE or Compression.CCITTRLEW or Compression.CCITTFAX3 or Compression.CCITTFAX4 => 1 << 16,
            _ => 1 << 12,
        };

        // The RGB color of each value.
        private static byte[] TableOf(Tiff tiff, Photometric colors, int bits, string name)
        {
            var count = 1 << bits;
            var table = new byte[3 * count];
            var map = colors == Photometric.PALETTE
                ? tiff.GetField(TiffTag.COLORMAP)?.Select(channel => channel.ToShortArray()).ToArray()
                : null;
            if (
                colors == Photometric.PALETTE
                && (map is not [_, _, _] || Array.Exists(map, channel => channel is null || channel.Length < count)))
            {
                throw new BrokenImageException($"{name}: has no whole palette.");
            }

            for (var value = 0; value < count; value++)
            {
                var gray = (byte)(value * 255 / (count - 1));
                for (var i = 0; i < 3; i++)
                {
                    table[(3 * value) + i] =
                        map is not null ? (byte)((ushort)map[i][value] >> 8)
                        : colors == Photometric.MINISWHITE ? (byte)~gray
                        : gray;
                }
            }

            return table;
        }
    }

    /// <summary>Silences the library's messages. The exception reports the error.</summary>
    private sealed class Silent : TiffErrorHandler
    {
        public static readonly Silent Instance = new();

        public override void ErrorHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void ErrorHandlerExt(
            Tiff tif, object clientData, string method, string format, params object[] args
        ) { }

        public override void WarningHandler(Tiff tif, string method, string format, params object[] args)
        {
        }

        public override void WarningHandlerExt(
            Tiff tif, object clientData, string method, string format, params object[] args
        ) { }
    }
}
