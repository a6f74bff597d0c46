namespace MoCoSharp.Data.Quality;

/// <summary>How two images are the same.</summary>
public enum DuplicateKind
{
    /// <summary>Their files have the same bytes.</summary>
    SameFile,

    /// <summary>Their upright pixels are equal; the files differ.</summary>
    SamePixels,

    /// <summary>Their features are similar; the pixels differ.</summary>
    Similar,
}

/// <summary>An image that repeats another.</summary>
/// <param name="Image">The image.</param>
/// <param name="Kind">How it is the same.</param>
/// <param name="Similarity">The cosine of their features, -1 to 1; 1 for the same file or pixels.</param>
public sealed record Duplicate(ImageFacts Image, DuplicateKind Kind, double Similarity)
{
    /// <summary>Compares two images.</summary>
    /// <param name="image">An image that can be read.</param>
    /// <param name="other">The image that it may repeat.</param>
    /// <param name="similarity">The cosine of their features, for images with different pixels.</param>
    internal static Duplicate Of(ImageFacts image, ImageFacts other, Func<double> similarity) =>
        IsSame(image.FileHash, other.FileHash) ? new(image, DuplicateKind.SameFile, 1)
        : IsSame(image.PixelHash, other.PixelHash) ? new(image, DuplicateKind.SamePixels, 1)
        : new(image, DuplicateKind.Similar, similarity());

    private static bool IsSame(UInt128 hash, UInt128 other) => hash != UInt128.Zero && hash == other;
}
