using System.Diagnostics;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Cli;

/// <summary>Notices about the images, before a verb starts.</summary>
internal static class DataNotices
{
    private static readonly TimeSpan ListedSilently = TimeSpan.FromSeconds(0.5);
    private const int TurnedShare = 20; // a warning if at least one of this many is turned
    private const int MostCompared = 20_000; // images that are compared by default

    /// <summary>Opens a source of images, prints notices about it, and shows how many images are found.</summary>
    /// <inheritdoc cref="DataSource.Open"/>
    public static (IImageDataset Train, IImageDataset? Validation) Open(string source, string? validation) =>
        DataSource.Open(source, validation, Tell, Listing());

    /// <summary>Shows the number of images found so far, for a source that takes long to list.</summary>
    public static Action<int>? Listing()
    {
        if (!Processes.IsMain)
        {
            return null;
        }

        var began = Stopwatch.GetTimestamp();
        var lines = new ProgressLines(TimeProvider.System, pipe: Console.Error); // standard output may be a result
        return images =>
        {
            if (Stopwatch.GetElapsedTime(began) > ListedSilently)
            {
                var line = $"listing images: {images} so far";
                lines.Work([line], $"moco: {line}");
            }
        };
    }

    /// <summary>Prints a notice to standard error.</summary>
    public static void Tell(DataNotice notice) => Console.Error.WriteLine($"moco: {notice}");

    /// <summary>Warns about test images that are also training images.</summary>
    public static void TellShared(IImageDataset train, IImageDataset judged)
    {
        var shared = Processes.IsMain && train is not Patterns ? SharedImages.Find(train, judged) : [];
        if (shared.Count > 0)
        {
            var (second, first) = shared[0];
            Tell(new(
                $"{shared.Count} of the {judged.Count} test images ({judged.Description}) are also training " +
                $"images, byte by byte: the score will be too high. {judged.NameOf(second)} is " +
                $"{train.NameOf(first)}, for example.",
                IsWarning: true));
        }
    }

    /// <summary>Warns about shared images, if the sets are small enough to compare quickly.</summary>
    public static void TellSharedOfFew(IImageDataset train, IImageDataset? judged)
    {
        if (judged is not null && train.Count + judged.Count <= MostCompared)
        {
            TellShared(train, judged);
        }
    }

    /// <summary>Warns about photos that lie on their side.</summary>
    /// <param name="images">The photos.</param>
    /// <param name="isTurned">Whether the program turns them upright.</param>
    /// <param name="cure">The option that turns them.</param>
    public static void TellTurned(IImageDataset images, bool isTurned, string cure)
    {
        var (looked, turned) = isTurned || !Processes.IsMain ? (0, 0) : TurnedImages.Count(images);
        if (turned > 0 && turned * TurnedShare >= looked)
        {
            Tell(
                new(
                    $"{turned} of {looked} examined photos lie on their side or upside down: their EXIF " +
                    $"orientation is not applied. {cure} turns them upright."));
        }
    }
}
