using System.Buffers;
using SkiaSharp;

namespace MoCoSharp.Data.Images;

/// <summary>Decodes JPEG, PNG, WebP, BMP, GIF and TIFF to 8-bit RGB, as PIL's convert("RGB") does.</summary>
/// <remarks>
/// Alpha is dropped, not blended. Only the first frame is read. Color profiles and EXIF orientation (except TIFF's) are
/// not applied. Sizes are limited before memory is allocated. There are three differences from Pillow: 16-bit images
/// give their high byte, while Pillow turns 16-bit gray to near white. 16-bit BMP may be brighter by 1 of 255, because
/// five bits are rounded, not truncated. A PNG index beyond the palette gives the last color, while Pillow gives the
/// gray of that number.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>
    /// The largest image that is decoded, in pixels. PIL reports a decompression bomb from this size on.
    /// </summary>
    public const long LargestImagePixels = 178_956_970;

    /// <summary>The largest file that is read, in bytes.</summary>
    public const int LargestFileBytes = 256 << 20;

    // SkiaSharp recognizes other formats, such as WBMP, in files that are not images.
    private static readonly SKEncodedImageFormat[] Kinds =
        [
            SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp, SKEncodedImageFormat.Bmp,
            SKEncodedImageFormat.Gif,
        ];

    /// <summary>The file of the system's libturbojpeg; null if there is none.</summary>
    public static string? TurboJpegLibrary => TurboJpeg.Found;

    /// <summary>Decodes an image file.</summary>
    /// <param name="path">A regular file. Anything else is refused at once, without blocking.</param>
    /// <param name="request">How to decode it.</param>
    /// <exception cref="BrokenImageException">The file cannot be read.</exception>
    public static ImageBuffer ReadFile(string path, in DecodeRequest request = default)
    {
        using var file = EncodedImage.Read(path);
        return file.Decode(request);
    }

    /// <summary>Decodes an image in memory.</summary>
    /// <param name="file">The bytes of the whole file.</param>
    /// <param name="name">Name in messages.</param>
    /// <param name="request">How to decode it.</param>
    /// <exception cref="BrokenImageException">
    /// The file is not a whole image of a supported format, or is too large.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">libturbojpeg is requested, but the system has none.</exception>
    public static ImageBuffer Decode(ReadOnlySpan<byte> file, string name, in DecodeRequest request = default)
    {
        if (file.Length == 0)
        {
            throw new BrokenImageException($"{name}: the file is empty.");
        }

        ThrowIfMissing(request.Jpeg);
        if (TiffDecoder.Begins(file))
        {
            return TiffDecoder.Decode(file, name);
        }

        var isJpeg = file is [0xFF, 0xD8, 0xFF, ..];
        var orientation = isJpeg && request.AppliesOrientation ? Orientation.OfJpeg(file) : 1;
        var transposes = Orientation.Transposes(orientation);
        var image =
            isJpeg && request.Jpeg != JpegDecoder.Skia ? TurboJpeg.TryDecode(file, name, request, transposes) : null;
        image ??= DecodeBySkia(file, name, request, transposes, ref orientation);
        return Orientation.Apply(image, orientation);
    }

    /// <summary>Throws if libturbojpeg is requested, but the system has none.</summary>
    /// <exception cref="PlatformNotSupportedException">The system has no libturbojpeg.</exception>
    public static void ThrowIfMissing(JpegDecoder decoder)
    {
        if (decoder == JpegDecoder.TurboJpeg && TurboJpeg.Found is null)
        {
            throw new PlatformNotSupportedException(
                "libturbojpeg was requested, but this system has none of version 2.0 or newer. Install it (Debian: " +
                "libturbojpeg0), or use the decoder auto.");
        }
    }

    internal static void ThrowIfTooLarge(int width, int height, string name)
    {
        if (width <= 0 || height <= 0 || (long)width * height > LargestImagePixels)
        {
            throw new BrokenImageException(
                $"{name}: {width} x {height} pixels, expected 1 to {LargestImagePixels} in all.");
        }
    }

    private static ImageBuffer DecodeBySkia(
        ReadOnlySpan<byte> file, string name, in DecodeRequest request, bool transposes, ref int orientation)
    {
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        if (codec is null)
        {
            throw new BrokenImageException(Refusal(file, name));
        }

        if (!Kinds.Contains(codec.EncodedFormat))
        {
            throw new BrokenImageException(FileSignature.Describe(file) is { } kind
                ? $"{name}: is {kind}"
                : $"{name}: looks like {codec.EncodedFormat}, expected a JPEG, PNG, WebP, BMP, GIF or TIFF.");
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        ThrowIfTooLarge(width, height, name);
        if (codec.EncodedFormat == SKEncodedImageFormat.Jpeg)
        {
            (width, height) = request.Reduce(width, height, transposes);
        }
        else if (request.AppliesOrientation)
        {
            orientation = (int)codec.EncodedOrigin; // the numbers of EXIF
        }

        // No color space: values as stored.
        var target = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        byte[]? rgba = null;
        ImageBuffer? image = null;
        var isDone = false;
        try
        {
            rgba = ArrayPool<byte>.Shared.Rent(target.BytesSize);
            var result = Pixels(codec, target, rgba);
            if (result != SKCodecResult.Success)
            {
                throw new BrokenImageException(result == SKCodecResult.IncompleteInput
                    ? $"{name}: the file ends in the middle of the image."
                    : $"{name}: cannot be decoded ({result}).");
            }

            if (codec.EncodedFormat == SKEncodedImageFormat.Gif)
            {
                GifBackground.Fill(rgba.AsSpan(0, target.BytesSize), file);
            }

            image = ImageBuffer.Rent(width, height);
            DropAlpha(rgba, image.Write());
            isDone = true;
            return image;
        }
        catch (OutOfMemoryException error)
        {
            throw new BrokenImageException($"{name}: no memory for {width} x {height} pixels.", error);
        }
        finally
        {
            if (!isDone)
            {
                image?.Dispose();
            }

            if (rgba is not null)
            {
                ArrayPool<byte>.Shared.Return(rgba);
            }
        }
    }

    private static string Refusal(ReadOnlySpan<byte> file, string name) => file switch
    {
        _ when FileSignature.IsRead(file) =>
            $"{name}: begins as {FileSignature.Describe(file)![..^1]}, but cannot be decoded: it is damaged or cut " +
            "short.",
        _ when FileSignature.Describe(file) is { } kind => $"{name}: is {kind}",
        _ => $"{name}: is not a JPEG, PNG, WebP, BMP, GIF or TIFF that can be read.",
    };

    private static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        for (int from = 0, to = 0; to + 2 < rgb.Length; from += 4, to += 3)
        {
            rgb[to] = rgba[from];
            rgb[to + 1] = rgba[from + 1];
            rgb[to + 2] = rgba[from + 2];
        }
    }

    private static unsafe SKCodecResult Pixels(SKCodec codec, SKImageInfo target, byte[] rgba)
    {
        fixed (byte* memory = rgba)
        {
            return codec.GetPixels(target, (nint)memory);
        }
    }
}
