using static System.FormattableString;

namespace MoCoSharp.Data.Quality;

/// <summary>An image of a <see cref="DataFinding"/>.</summary>
/// <param name="Image">The image.</param>
/// <param name="Detail">What is special about it, such as "20 x 20 pixels".</param>
public readonly record struct FoundImage(ImageFacts Image, string Detail);

/// <summary>Something about images of a set that may matter for training.</summary>
/// <param name="Key">broken, unreadable, blank, tiny, duplicate, dark, bright, shape, turned or gray.</param>
/// <param name="Finding">The finding, as the end of "3 images: ...".</param>
/// <param name="Cure">What to do.</param>
/// <param name="Images">The images.</param>
/// <param name="IsProblem">Whether training is better without these images. Otherwise: worth a look.</param>
public sealed record DataFinding(
    string Key, string Finding, string Cure, IReadOnlyList<FoundImage> Images, bool IsProblem)
{
    private const int ShortestSide = 32; // pixels; a view of 224 pixels would enlarge it seven times
    private const double Darkest = 0.06; // mean luma
    private const double Brightest = 0.94; // mean luma
    private const double LongestShape = 3; // longer to shorter side; a square crop shows a third at most

    /// <summary>Finds what may matter, problems first.</summary>
    /// <param name="images">The facts of every image of the set, by index.</param>
    /// <param name="source">The set as the user names it, for commands.</param>
    public static IReadOnlyList<DataFinding> Find(IReadOnlyList<ImageFacts> images, string source)
    {
        ArgumentNullException.ThrowIfNull(images);
        List<ImageFacts> read = [.. images.Where(image => image.Fault is null)];
        List<ImageFacts> colored = [.. read.Where(image => !IsBlank(image))];
        DataFinding[] all =
        [
            .. Faults(images),
            Of("blank", "of one color",
                "Remove them: views of one color teach nothing.",
                read.Where(IsBlank), Size, isProblem: true),
            Of("tiny", Invariant($"with a side shorter than {ShortestSide} pixels"),
                "Remove them, or train on small views: views enlarge tiny images to blurred patches.",
                read.Where(image => Math.Min(image.Width, image.Height) < ShortestSide), Size, isProblem: true),
            Duplicates(images, source),
            Of("dark", Invariant($"very dark (mean brightness below {100 * Darkest:F0} %)"),
                "Look at them, and remove them if they show nothing.",
                colored.Where(image => image.Brightness < Darkest), Brightness),
            Of("bright", Invariant($"very bright (mean brightness above {100 * Brightest:F0} %)"),
                "Look at them, and remove them if they show nothing. Objects on white are fine.",
                colored.Where(image => image.Brightness > Brightest), Brightness),
            Of("shape", Invariant($"more than {LongestShape} times as long as wide"),
                "Cut them into parts, or remove them: the square crop of an evaluation shows only their middle.",
                read.Where(image => Shape(image) > LongestShape), Size),
            Of("turned", "turned or mirrored by EXIF orientation",
                "--exif-orientation turns them upright; without it, they are read as they are stored.",
                read.Where(image => image.IsTurned), Size),
            Of("gray", "grayscale",
                "Fine if the photos in use are gray too. Among color photos, gray tells the encoder their source.",
                colored.Where(image => image.IsGray), Size),
        ];
        return [.. all.Where(finding => finding.Images.Count > 0).OrderByDescending(finding => finding.IsProblem)];
    }

    private static IEnumerable<DataFinding> Faults(IReadOnlyList<ImageFacts> images)
    {
        yield return Of(
            "broken", "broken",
            "Download or convert them again, or remove them. Training leaves them out.",
            images.Where(image => image.Fault is { MayPass: false }), Reason, isProblem: true);
        yield return Of(
            "unreadable", "not readable this time",
            "Check the disk, the network folder, the permissions and links.",
            images.Where(image => image.Fault is { MayPass: true }), Reason, isProblem: true);
    }

    private static DataFinding Duplicates(IReadOnlyList<ImageFacts> images, string source)
    {
        var repeated = DuplicateGroup.Find(images).SelectMany(group => group.Others, (group, other) => new FoundImage(
            other.Image,
            $"{(other.Kind == DuplicateKind.SameFile ? "same file" : "same pixels")} as {group.Kept.Name}"));
        return new DataFinding(
            "duplicate", "exact copies of another image",
            $"`moco duplicates --data {Shell.Quote(source)}` lists them, and prints the commands that remove them.",
            [.. repeated], IsProblem: true);
    }

    private static DataFinding Of(
        string key, string finding, string cure, IEnumerable<ImageFacts> images, Func<ImageFacts, string> detail,
        bool isProblem = false) =>
        new(key, finding, cure, [.. images.Select(image => new FoundImage(image, detail(image)))], isProblem);

    private static bool IsBlank(ImageFacts image) => image.ColorRange <= PixelStatistics.Noise;

    private static double Shape(ImageFacts image) =>
        Math.Max(image.Width, image.Height) / (double)Math.Min(image.Width, image.Height);

    private static string Size(ImageFacts image) => Invariant($"{image.Width} x {image.Height} pixels");

    private static string Brightness(ImageFacts image) => Invariant($"brightness {100 * image.Brightness:F1} %");

    // Reasons begin with the path, which the name repeats.
    private static string Reason(ImageFacts image) =>
        image.Path is { } path && image.Fault!.Reason.StartsWith(path + ": ", StringComparison.Ordinal)
            ? image.Fault.Reason[(path.Length + 2)..]
            : image.Fault!.Reason;
}
