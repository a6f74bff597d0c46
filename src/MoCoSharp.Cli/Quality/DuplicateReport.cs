using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>A set of images as moco duplicates sees it.</summary>
/// <param name="Source">The set as the user names it.</param>
/// <param name="Data">The images.</param>
/// <param name="Facts">What one reading told about each image, by index.</param>
internal sealed record SurveyedSet(string Source, IImageDataset Data, IReadOnlyList<ImageFacts> Facts);

/// <summary>How features were compared.</summary>
/// <param name="Encoder">The run or file as the user names it.</param>
/// <param name="Layer">pooled or head.</param>
/// <param name="Threshold">The lowest cosine, above 0, at most 1.</param>
internal sealed record Comparison(string Encoder, string Layer, double Threshold);

/// <summary>The result of moco duplicates: groups within one set, or pairs across two sets.</summary>
/// <param name="Set">The set.</param>
/// <param name="Other">The other set; null if duplicates were searched within one set.</param>
/// <param name="Comparison">How features were compared; null for exact duplicates alone.</param>
/// <param name="Groups">The groups within the set; empty with another set.</param>
/// <param name="Leaks">The pairs across both sets; empty without another set.</param>
internal sealed record DuplicateReport(
    SurveyedSet Set, SurveyedSet? Other, Comparison? Comparison, IReadOnlyList<DuplicateGroup> Groups,
    IReadOnlyList<Leak> Leaks)
{
    /// <summary>Why and how to raise the threshold; null if no group is suspiciously large.</summary>
    public string? Advice { get; init; }

    /// <summary>The images that repeat another one, each once, with that image.</summary>
    public IReadOnlyList<(Duplicate Duplicate, ImageFacts Of)> Repeated { get; } = Other is null
        ? [.. Groups.SelectMany(group => group.Others, (group, other) => (other, group.Kept))]
        :
        [
            .. Leaks.DistinctBy(leak => leak.Image.Index)
                .Select(leak => (new Duplicate(leak.Image, leak.Kind, leak.Similarity), leak.Other)),
        ];

    /// <summary>
    /// The commands that remove the repeated images of the set. Images of the other set stay; so do images that only a
    /// chain of similar ones connects with the kept image, and suspiciously large groups.
    /// </summary>
    public RemoveCommands Commands()
    {
        var commands = new RemoveCommands(
            Other is null ? Groups.Select(group => group.Kept) : Leaks.Select(leak => leak.Other));
        var doubtful = Groups.Where(group => group.IsSuspicious(Set.Facts.Count)).Select(group => group.Kept)
            .ToHashSet();
        foreach (var (duplicate, of) in Repeated)
        {
            if (doubtful.Contains(of) || duplicate.Similarity < Comparison?.Threshold)
            {
                commands.Omit();
            }
            else
            {
                commands.Add(duplicate.Image, of.Name);
            }
        }

        return commands;
    }

    /// <summary>"9 the same file, 6 the same pixels, 31 similar (...)".</summary>
    public string Kinds()
    {
        var counts = Repeated.CountBy(item => item.Duplicate.Kind).ToDictionary();
        return string.Join(", ", new[]
        {
            Of(DuplicateKind.SameFile, "the same file"), Of(DuplicateKind.SamePixels, "the same pixels"),
            Of(DuplicateKind.Similar, "similar"),
        }.OfType<string>());

        string? Of(DuplicateKind kind, string words) =>
            counts.GetValueOrDefault(kind) is > 0 and var count ? $"{Plain.Count(count)} {words}" : null;
    }
}
