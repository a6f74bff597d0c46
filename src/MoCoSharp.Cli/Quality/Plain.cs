using System.Globalization;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>Names and facts of images, for one line of a terminal.</summary>
internal static class Plain
{
    /// <summary>The text without control characters and direction marks, which could disturb a terminal.</summary>
    /// <param name="text">Any text, such as the name of a file.</param>
    public static string Text(string text) => new(
    [
        .. text.Select(letter =>
            char.IsControl(letter) || char.GetUnicodeCategory(letter) == UnicodeCategory.Format ? '?' : letter),
    ]);

    /// <summary>"1,240".</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>"1 image", "1,240 images".</summary>
    public static string Count(long count, string noun) => $"{Count(count)} {noun}{(count == 1 ? "" : "s")}";

    /// <summary>"same file", "same pixels", or the similarity.</summary>
    public static string Kind(DuplicateKind kind, double similarity) => kind switch
    {
        DuplicateKind.SameFile => "same file",
        DuplicateKind.SamePixels => "same pixels",
        _ => Similarity(similarity),
    };

    /// <summary>A similarity with four decimals. One of different images is never shown as 1.</summary>
    public static string Similarity(double similarity) =>
        (Math.Floor(similarity * 10_000) / 10_000).ToString("0.0000", CultureInfo.InvariantCulture);

    /// <summary>"640 x 480".</summary>
    public static string Size(ImageFacts image) => FormattableString.Invariant($"{image.Width} x {image.Height}");
}
