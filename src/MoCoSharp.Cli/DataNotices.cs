using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Cli;

/// <summary>What a person should know of the images before a verb begins.</summary>
internal static class DataNotices
{
    private const int TurnedShare = 20; // worth a word from one in so many
    private const int MostCompared = 20_000; // images, where nobody has asked for a comparison

    /// <summary>Tells one, as the program tells everything that is no result.</summary>
    public static void Tell(DataNotice notice) => Console.Error.WriteLine($"moco: {notice}");

    /// <summary>Tells how many images to judge by are images to learn from.</summary>
    public static void TellShared(IImageDataset train, IImageDataset judged)
    {
        var shared = Processes.IsMain && train is not Patterns ? SharedImages.Find(train, judged) : [];
        if (shared.Count > 0)
        {
            var (second, first) = shared[0];
            Tell(new(
                $"{shared.Count} of the {judged.Count} images to judge by ({judged.Description}) are among those to " +
                "learn from, byte by byte: "
                    + $"the score will be too good. {judged.NameOf(second)} is {train.NameOf(first)}, for example.",
                IsWarning: true));
        }
    }

    /// <summary>The same, where the sets are small enough that it takes no time worth speaking of.</summary>
    public static void TellSharedOfFew(IImageDataset train, IImageDataset? judged)
    {
        if (judged is not null && train.Count + judged.Count <= MostCompared)
        {
            TellShared(train, judged);
        }
    }

    /// <summary>Tells of photos that lie on their side.</summary>
    /// <param name="images">The photos.</param>
    /// <param name="isTurned">Whether they are turned upright.</param>
    /// <param name="cure">The option that does it.</param>
    public static void TellTurned(IImageDataset images, bool isTurned, string cure)
    {
        var (looked, turned) = isTurned || !Processes.IsMain ? (0, 0) : TurnedImages.Count(images);
        if (turned > 0 && turned * TurnedShare >= looked)
        {
            Tell(
                new(
                    $"{turned} of {looked} photos looked at lie on their side or upside down: their EXIF data say " +
                    "how to turn them, and that is not applied. "
                        + $"{cure} turns them upright."));
        }
    }
}
