using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>Labeled training and test images of an evaluation, as the user names them.</summary>
internal sealed record LabeledData(IImageDataset Train, IImageDataset Test)
{
    // Suggests how to compare images without labels.
    private static string WithoutLabels(EncoderTarget encoder, string? data) =>
        $"Without labels, `moco embed {Shell.Quote(encoder.Target)} " +
        $"{(data is null ? "" : $"--data {Shell.Quote(data)} ")}-o features.csv` writes features for " +
        "comparing images.";

    /// <summary>Opens both, or reports all faults.</summary>
    /// <param name="encoder">The encoder to evaluate. The data of its run are the default.</param>
    /// <param name="data">--data.</param>
    /// <param name="validation">--val.</param>
    /// <param name="faults">Faults of the other options.</param>
    public static LabeledData Open(EncoderTarget encoder, string? data, string? validation, IEnumerable<string> faults)
    {
        var all = faults.ToList();
        if ((data ?? encoder.OwnData) is not { } source)
        {
            throw new ConfigurationException([
                .. all,
                $"--data is missing: {encoder.Source} has no images. Name labeled images.",
                WithoutLabels(encoder, data),
            ]);
        }

        (IImageDataset Train, IImageDataset? Test) opened = default;
        try
        {
            opened = DataNotices.Open(
                source,
                validation ?? (data is null ? encoder.Config.Validation : null));
            if (opened.Train.ClassNames.Count < 2)
            {
                all.Add(
                    $"{opened.Train.Description}: has fewer than two classes. Labels are class folders, or the " +
                    "second column of a list file.");
            }

            if (opened.Test is null)
            {
                all.Add(
                    $"{opened.Train.Description}: there are no test images. Name some with --val, or a source " +
                    "with folders train and val.");
            }
            else if (opened.Test.ClassNames.Count == 0)
            {
                all.Add($"{opened.Test.Description}: has no labels, which test images need.");
            }

            if (opened.Train.ClassNames.Count < 2 || opened.Test is null or { ClassNames.Count: 0 })
            {
                all.Add(WithoutLabels(encoder, data));
            }
        }
        catch (DataSourceException error)
        {
            all.Add(error.Message);
        }

        if (all.Count > 0)
        {
            throw new ConfigurationException(all);
        }

        DataNotices.TellShared(opened.Train!, opened.Test!);
        return new LabeledData(opened.Train!, opened.Test!);
    }
}
