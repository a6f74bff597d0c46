using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>Labelled images to learn from and others to judge by, as a person names them for an evaluation.</summary>
internal sealed record LabeledData(IImageDataset Train, IImageDataset Test)
{
    // Whoever has no labels may still look at what the encoder finds alike.
    private static string WithoutLabels(EncoderTarget encoder, string? data) =>
        $"Without labels, `moco embed {Shell.Quote(encoder.Target)} " +
        $"{(data is null ? "" : $"--data {Shell.Quote(data)} ")}-o features.csv` writes what the encoder sees, to " +
        "compare images by.";

    /// <summary>Opens both, or tells every fault.</summary>
    /// <param name="encoder">To be judged: its run's data serve where nothing else is named.</param>
    /// <param name="data">--data.</param>
    /// <param name="validation">--val.</param>
    /// <param name="faults">Of the other options.</param>
    public static LabeledData Open(EncoderTarget encoder, string? data, string? validation, IEnumerable<string> faults)
    {
        var all = faults.ToList();
        if ((data ?? encoder.OwnData) is not { } source)
        {
            throw new ConfigurationException([
                .. all,
                $"--data is missing: {encoder.Source} came without images. Name some with labels.",
                WithoutLabels(encoder, data),
            ]);
        }

        (IImageDataset Train, IImageDataset? Test) opened = default;
        try
        {
            opened = DataSource.Open(
                source,
                validation ?? (data is null ? encoder.Config.Validation : null),
                DataNotices.Tell);
            if (opened.Train.ClassNames.Count < 2)
            {
                all.Add(
                    $"{opened.Train.Description}: has no two classes to tell apart. Labels are class folders, or " +
                    "the second column of a list file.");
            }

            if (opened.Test is null)
            {
                all.Add(
                    $"{opened.Train.Description}: there are no images to judge by. Name some with --val, or a " +
                    "source with folders train and val.");
            }
            else if (opened.Test.ClassNames.Count == 0)
            {
                all.Add($"{opened.Test.Description}: has no labels to judge by.");
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
