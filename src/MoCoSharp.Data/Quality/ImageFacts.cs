using MoCoSharp.Data.Loading;

namespace MoCoSharp.Data.Quality;

/// <summary>What one reading tells about an image: size, format, brightness and hashes.</summary>
/// <param name="Index">Index in the data set.</param>
/// <param name="Name">A name that helps a user find the image.</param>
public sealed record ImageFacts(int Index, string Name)
{
    /// <summary>The path of the file; null for an image without a file of its own.</summary>
    public string? Path { get; init; }

    /// <summary>Why the image cannot be read; null if it was read.</summary>
    public BadImage? Fault { get; init; }

    /// <summary>"JPEG", "PNG", "WebP", "BMP", "GIF" or "TIFF"; empty for pixels without a file.</summary>
    public string Format { get; init; } = "";

    /// <summary>Width in pixels after turning by EXIF orientation; 0 if the image cannot be read.</summary>
    public int Width { get; init; }

    /// <summary>Height in pixels after turning by EXIF orientation; 0 if the image cannot be read.</summary>
    public int Height { get; init; }

    /// <summary>Whether the EXIF orientation of the JPEG turns or mirrors it.</summary>
    public bool IsTurned { get; init; }

    /// <summary>Mean luma (Rec. 601), 0 for black to 1 for white.</summary>
    public double Brightness { get; init; }

    /// <summary>The largest difference between two values of a color channel, 0 to 255; 0 for one color.</summary>
    public int ColorRange { get; init; }

    /// <summary>Whether red, green and blue are equal, up to the noise of compression.</summary>
    public bool IsGray { get; init; }

    /// <summary>XxHash128 of the file's bytes; 0 for an image without a file of its own.</summary>
    public UInt128 FileHash { get; init; }

    /// <summary>XxHash128 of the upright pixels and their size; 0 if the image cannot be read.</summary>
    public UInt128 PixelHash { get; init; }
}
