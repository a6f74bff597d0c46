using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Reports;

/// <summary>The parts of a report that need features of images.</summary>
/// <param name="run">The run folder; it is only read.</param>
/// <param name="request">Which images, and where features are computed.</param>
/// <param name="leftOut">Receives the reason of each part that is left out.</param>
internal sealed class LearnedParts(RunFolder run, ReportImages request, Dictionary<ReportPart, string> leftOut)
{
    private readonly EvaluationProgress _progress = new("report");
    private bool _showsTests; // of a source with both parts

    /// <summary>Computes the features and adds the parts.</summary>
    /// <param name="report">The report.</param>
    /// <param name="stepsPerEpoch">For the titles of stages; null if unknown.</param>
    /// <param name="stop">Ends the work early.</param>
    public RunReport AddTo(RunReport report, double? stepsPerEpoch, CancellationToken stop)
    {
        FeatureSet? newest = null;
        try
        {
            using var encoder = EncoderTarget.Open(new EncoderChoice(run.Path) { Device = request.Device }, []);
            var loader = encoder.Config.Loader;
            if (request.IsInBackground)
            {
                set_num_threads(1);
                loader = loader with { Workers = 1 };
            }

            var images = Images(encoder);
            var upright = encoder.Config.Views.ExifOrientation;
            var (neighbors, map) = (new RunNeighbors(images, upright), new RunMap(images, upright));
            var stages = new EncoderStages(run, images, loader, encoder.Device)
            {
                Progress = (done, all) => Show("images", done, all),
            };
            foreach (var (title, features) in stages.Extract(stepsPerEpoch, stop))
            {
                newest?.Dispose(); // one stage at a time: many images have large features
                newest = features;
                neighbors.Add(title, features);
                map.Add(title, features, Progress($"map {title}"), stop);
            }

            return newest is null
                ? throw new InvalidDataException("no checkpoint of the run can be read.")
                : With(report with { Neighbors = neighbors.Draw() }, newest, map, images, upright, stop);
        }
        catch (Exception error) when (error is InvalidDataException or DataSourceException or IOException)
        {
            var cure = error is DataSourceException ? " If the images are elsewhere, name them with --data." : "";
            foreach (var part in RunReport.OfImages)
            {
                leftOut[part] = "the same images are needed.";
            }

            leftOut[ReportPart.Neighbors] = error.Message + cure;
            return report;
        }
        finally
        {
            newest?.Dispose();
        }
    }

    private RunReport With(
        RunReport report, FeatureSet features, RunMap map, IImageDataset images, bool upright, CancellationToken stop)
    {
        var pictures = new ShownPictures(images, upright);
        var clusters = RunClusters.Find(features, images, pictures, stop);
        LeaveOut(ReportPart.Clusters, clusters is null, "there are too few images.");
        var plot = map.Draw(features, clusters);
        LeaveOut(ReportPart.Map, plot is null, "there are too few images.");
        var duplicates = RunDuplicates.Find(
            features, images.Count, DuplicatesCommand, pictures, Progress("images compared"), stop);
        LeaveOut(
            ReportPart.Duplicates, duplicates is null,
            RunDuplicates.None(features.Indices.Length, DuplicatesCommand));
        return report with
        {
            Map = plot,
            Clusters = clusters?.Shown,
            Duplicates = duplicates,
            Mistakes = Mistakes(features, images, pictures, stop),
            Pictures = pictures.Draw(),
        };
    }

    private MistakeList? Mistakes(
        FeatureSet features, IImageDataset images, ShownPictures pictures, CancellationToken stop)
    {
        var isLabeled = features.Labels.Where(label => label >= 0).Distinct().Skip(1).Any();
        if (!isLabeled)
        {
            LeaveOut(ReportPart.Mistakes, true, "the images have no labels of two classes.");
            return null;
        }

        var mistakes = RunMistakes.Choose(
            RunMistakes.Vote(features, Progress("images classified"), stop), features, images, pictures);
        LeaveOut(ReportPart.Mistakes, mistakes is null, "the nearest neighbors of every image have its class.");
        return mistakes;
    }

    private string DuplicatesCommand => $"moco duplicates {Shell.Quote(run.Path)}"
        + (request.Data is { } data ? $" --data {Shell.Quote(data)}" : "")
        + (_showsTests ? " --part val" : "");

    private Action<int, int> Progress(string doing) => (done, all) => Show(doing, done, all);

    private void Show(string doing, long done, long all)
    {
        if (!request.IsInBackground)
        {
            _progress.Show(doing, done, all);
        }
    }

    // Test images if there are any: the encoder was not trained on them.
    private IImageDataset Images(EncoderTarget encoder)
    {
        var source = request.Data ?? encoder.OwnData ?? throw new InvalidDataException(
            "the run names no images. Name them with --data.");
        var validation = request.Data is null ? encoder.Config.Validation : null;
        var (train, test) = request.IsInBackground
            ? DataSource.Open(source, validation)
            : DataNotices.Open(source, validation);
        _showsTests = test is not null;
        return ShownImages.Spread(test ?? train, request.Most);
    }

    private void LeaveOut(ReportPart part, bool isMissing, string why)
    {
        if (isMissing)
        {
            leftOut[part] = why;
        }
    }
}

/// <summary>The images of a report.</summary>
/// <param name="Data">The images; null takes those of the run.</param>
/// <param name="Most">Number of images, above 0.</param>
/// <param name="Device">Where features are computed; null is the device of the run.</param>
internal sealed record ReportImages(string? Data, int Most, string? Device)
{
    /// <summary>
    /// Whether other work has priority: libtorch and the loader get one thread, and nothing is printed.
    /// </summary>
    public bool IsInBackground { get; init; }
}
