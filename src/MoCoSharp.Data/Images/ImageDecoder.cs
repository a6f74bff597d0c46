using System.Buffers;
using SkiaSharp;

namespace MoCoSharp.Data.Images;

/// <summary>Reads JPEG, PNG, WebP, BMP and GIF as 8-bit RGB, the way PIL's convert("RGB") does.</summary>
/// <remarks>
/// Alpha is dropped, not blended; the first frame is taken; EXIF orientation and colour profiles are not applied. 16-bit images give their
/// high byte, where Pillow turns 16-bit grey to near white; 16-bit BMP may be 1 of 255 brighter, as five bits are rounded and not cut. Sizes are bounded before memory is taken.
/// </remarks>
public static class ImageDecoder
{
    /// <summary>The largest image that is decoded, in pixels: where PIL speaks of a decompression bomb.</summary>
    public const long LargestImagePixels = 178_956_970;

    /// <summary>The largest file that is read, in bytes.</summary>
    public const long LargestFileBytes = 256L << 20;

    // The library guesses others, such as WBMP, from files that are no images.
    private static readonly SKEncodedImageFormat[] Kinds =
        [SKEncodedImageFormat.Jpeg, SKEncodedImageFormat.Png, SKEncodedImageFormat.Webp, SKEncodedImageFormat.Bmp, SKEncodedImageFormat.Gif];

    /// <summary>Reads an image file.</summary>
    /// <param name="path">A regular file; anything else is refused without waiting for it.</param>
    /// <exception cref="BrokenImageException">It cannot be read; the message names it and says why.</exception>
    public static ImageBuffer ReadFile(string path)
    {
        byte[] file;
        try
        {
            using var handle = RegularFile.Open(path);
            var length = RandomAccess.GetLength(handle);
            if (length > LargestFileBytes)
            {
                throw new BrokenImageException($"{path}: {length} bytes, expected at most {LargestFileBytes}.");
            }

            file = new byte[length];
            for (var done = 0; done < file.Length;)
            {
                var read = RandomAccess.Read(handle, file.AsSpan(done), done);
                if (read == 0)
                {
                    throw new BrokenImageException($"{path}: ended after {done} of {file.Length} bytes.");
                }

                done += read;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new BrokenImageException($"{path}: {error.Message}", error);
        }

        return Decode(file, path);
    }

    /// <summary>Decodes an image in memory.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="BrokenImageException">It is not a whole image of a known kind, or too large.</exception>
    public static ImageBuffer Decode(byte[] file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.Length == 0)
        {
            throw new BrokenImageException($"{name}: the file is empty.");
        }

        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        if (codec is null)
        {
            throw new BrokenImageException($"{name}: is not a JPEG, PNG, WebP, BMP or GIF that can be read.");
        }

        if (!Kinds.Contains(codec.EncodedFormat))
        {
            throw new BrokenImageException($"{name}: looks like {codec.EncodedFormat}, expected a JPEG, PNG, WebP, BMP or GIF.");
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if (width <= 0 || height <= 0 || (long)width * height > LargestImagePixels)
        {
            throw new BrokenImageException($"{name}: {width} x {height} pixels, expected 1 to {LargestImagePixels} in all.");
        }

        // No colour space: values as stored.
        var target = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = ArrayPool<byte>.Shared.Rent(target.BytesSize);
        try
        {
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

            var pixels = new byte[3L * width * height];
            for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
            {
                pixels[to] = rgba[from];
                pixels[to + 1] = rgba[from + 1];
                pixels[to + 2] = rgba[from + 2];
            }

            return new ImageBuffer(width, height, pixels);
        }
        catch (OutOfMemoryException error)
        {
            throw new BrokenImageException($"{name}: no memory for {width} x {height} pixels.", error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rgba);
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
