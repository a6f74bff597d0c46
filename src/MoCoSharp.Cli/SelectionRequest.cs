using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;

namespace MoCoSharp.Cli;

/// <summary>What moco select is asked for.</summary>
/// <param name="Count">-n.</param>
/// <param name="By">--by.</param>
/// <param name="Labeled">--labeled.</param>
/// <param name="Seed">--seed.</param>
/// <param name="Output">-o.</param>
/// <param name="Force">--force.</param>
internal sealed record SelectionRequest(
    int Count, string By, string? Labeled, long Seed, string? Output, bool Force)
{
    /// <summary>The rule of --by; null if it is none.</summary>
    public SelectionRule? Rule => EnumNames.Find<SelectionRule>(By);

    /// <summary>"by typical, seed 0".</summary>
    public string Manner => FormattableString.Invariant($"by {By}, seed {Seed}");

    /// <summary>Faults that show without the images.</summary>
    public IEnumerable<string> Faults()
    {
        if (Count < 1)
        {
            yield return FormattableString.Invariant($"-n is {Count}, expected a whole number above 0.");
        }

        if (Rule is null)
        {
            yield return
                $"--by is {By}, expected {EnumNames.Expected(typeof(SelectionRule))}." +
                NearestWord.DidYouMean(By, EnumNames.All<SelectionRule>());
        }

        if (Rule == SelectionRule.Uncertain && Labeled is null)
        {
            yield return
                "--by uncertain needs the labels of some images: name them with --labeled, such as a list with " +
                "classes.";
        }

        foreach (var fault in OutputFaults.Find(Output, [], Force))
        {
            yield return fault;
        }
    }

    /// <summary>Faults that show with the images.</summary>
    /// <param name="images">The images to choose from.</param>
    /// <param name="excluded">The number of them that have labels.</param>
    /// <param name="unnamed">The number of the others that a list cannot name.</param>
    public IEnumerable<string> Faults(IImageDataset images, int excluded, int unnamed)
    {
        if (unnamed > 0 && excluded + unnamed == images.Count)
        {
            yield return
                $"-o {Output}: {images.Description} has no image that a list can name: they are not files of their " +
                "own. Leave out -o, which prints the names alone.";
        }
        else if (Count > images.Count - excluded - unnamed)
        {
            var left = excluded > 0 ? $", without {excluded} that have labels" : "";
            yield return FormattableString.Invariant(
                $"-n is {Count}, expected at most {images.Count - excluded - unnamed}: the images of ") +
                $"{images.Description}{left}.";
        }
    }

    /// <summary>Opens the labeled images. Returns null, and adds the faults to the list, if it cannot.</summary>
    public IImageDataset? OpenLabeled(List<string> faults)
    {
        if (Labeled is null)
        {
            return null;
        }

        try
        {
            var (opened, _) = DataNotices.Open(Labeled, null);
            if (Rule == SelectionRule.Uncertain && opened.ClassNames.Count < 2)
            {
                faults.Add(
                    $"--labeled {Labeled}: has fewer than two classes. Labels are class folders, or the second " +
                    "column of a list.");
            }

            return opened;
        }
        catch (DataSourceException error)
        {
            faults.Add($"--labeled: {error.Message}");
            return null;
        }
    }

    /// <summary>Writes the list, if there is to be one.</summary>
    public void Write(IImageDataset images, FeatureSet features, IReadOnlyList<SelectedImage> chosen)
    {
        if (Output is not null)
        {
            ImageListFile.Write(
                Output, images, [.. chosen.Select(image => features.Indices[image.Row])],
                FormattableString.Invariant(
                    $"{chosen.Count} images of {images.Description}, {Manner}; the first are to be labeled first"));
        }
    }
}
