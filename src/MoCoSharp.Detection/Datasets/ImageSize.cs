using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using SkiaSharp;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Reads the size of an image file from its header, upright by its EXIF orientation.</summary>
internal static class ImageSize
{
    /// <summary>Width and height, in pixels.</summary>
    /// <exception cref="DataSourceException">The size cannot be read.</exception>
    public static (int Width, int Height) Read(string file)
    {
        using var stream = SourceFile.Open(file);
        using var codec = SKCodec.Create(stream);
        if (codec is null || codec.Info.Width <= 0 || codec.Info.Height <= 0)
        {
            return Decoded(file);
        }

        return (int)codec.EncodedOrigin >= 5
            ? (codec.Info.Height, codec.Info.Width)
            : (codec.Info.Width, codec.Info.Height);
    }

    // TIFF, which that codec does not support.
    private static (int Width, int Height) Decoded(string file)
    {
        try
        {
            using var image = ImageDecoder.ReadFile(file, new DecodeRequest { AppliesOrientation = true });
            return (image.Width, image.Height);
        }
        catch (BrokenImageException error)
        {
            throw new DataSourceException($"{error.Message} Its annotation does not give its size either.", error);
        }
    }
}
