using System.Text.Json.Nodes;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Diagnostics;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Collects a report from a run folder and the images of the run.</summary>
/// <param name="run">The run folder; it is only read.</param>
/// <param name="data">The images; null takes those of the run.</param>
/// <param name="mostImages">Number of images for neighbors and map, above 0.</param>
internal sealed class RunReportBuilder(RunFolder run, string? data, int mostImages)
{
    private const int ViewsSide = 1200; // pixels: larger sheets are reduced

    private readonly Dictionary<ReportPart, string> _leftOut = [];

    /// <summary>Collects the parts. A part without data is left out, with the reason.</summary>
    /// <param name="stop">Ends the work early.</param>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public RunReport Create(CancellationToken stop)
    {
        var config = run.ReadConfig();
        List<JsonObject> metrics = [.. RunFolder.ReadMetrics(run.MetricsPath)];
        var (worth, diagnosis) = (RunWorth.Read(run), Examine());
        var stepsPerEpoch = RunCharts.StepsPerEpoch(metrics);
        var charts = RunCharts.From(config, metrics, worth);
        LeaveOut(ReportPart.Curves, charts.Count == 0, "metrics.jsonl of the run has no figures yet.");
        var evaluations = RunEvaluations.Read(run);
        LeaveOut(
            ReportPart.Evaluations, evaluations is null,
            $"the run has none. `moco knn {Shell.Quote(run.Path)}` adds one, if its images have labels.");
        var (neighbors, map) = Learned(stepsPerEpoch, stop);
        return new RunReport
        {
            Name = Path.GetFileName(Path.GetFullPath(run.Path).TrimEnd(Path.DirectorySeparatorChar)),
            Verdict = Verdict(worth, diagnosis),
            Charts = charts,
            StepTitle = stepsPerEpoch is { } count ? Invariant($"step ({count:0.#} steps an epoch)") : "step",
            Neighbors = neighbors,
            Map = map,
            Views = Views(),
            Evaluations = evaluations,
            Health = diagnosis is null ? null : RunHealth.From(diagnosis),
            Facts = RunFacts.Read(run),
            Configuration = config.ToJson(),
            LeftOut = _leftOut,
        };
    }

    private static List<string> Verdict(RunWorth? worth, RunDiagnosis? diagnosis)
    {
        List<string> sentences = [.. (worth?.Sentences ?? []).Select(Capitalized)];
        if (sentences.Count == 0)
        {
            sentences.Add("No verdict yet: the encoder has not been compared with what needs no learning.");
        }

        if (diagnosis?.NotYetLearned is { } notYet)
        {
            sentences.Add(Capitalized(notYet));
        }

        return sentences;
    }

    // "kNN" begins some sentences.
    private static string Capitalized(string sentence) => sentence.StartsWith("kNN", StringComparison.Ordinal)
        ? sentence
        : char.ToUpperInvariant(sentence[0]) + sentence[1..];

    private RunDiagnosis? Examine()
    {
        try
        {
            return RunDiagnosis.Examine(run);
        }
        catch (InvalidDataException error)
        {
            LeaveOut(ReportPart.Health, true, error.Message);
            return null;
        }
    }

    private (string Uri, int Width)? Views()
    {
        try
        {
            using var sheet = ImageDecoder.ReadFile(run.ViewsPath);
            return sheet.Width <= ViewsSide && sheet.Height <= ViewsSide
                ? ("data:image/png;base64," + Convert.ToBase64String(ImageEncoder.Png(sheet)), sheet.Width)
                : (Thumbnail.DataUri(sheet, ViewsSide), ViewsSide);
        }
        catch (Exception error) when (error is IOException or BrokenImageException)
        {
            LeaveOut(ReportPart.Views, true, "views.png of the run is missing, or cannot be read.");
            return null;
        }
    }

    private (NeighborHistory? Neighbors, FeaturePlot? Map) Learned(double? stepsPerEpoch, CancellationToken stop)
    {
        var features = new List<(string Title, FeatureSet Features)>();
        try
        {
            using var encoder = EncoderTarget.Open(run.Path, "query", [], device: "cpu");
            var images = Images(encoder);
            var upright = encoder.Config.Views.ExifOrientation;
            var progress = new EvaluationProgress("report");
            var stages = new EncoderStages(run, images, encoder.Config.Loader)
            {
                Progress = (done, all) => progress.Show("images", done, all),
            };
            features.AddRange(stages.Extract(stepsPerEpoch, stop));
            var neighbors = new RunNeighbors(images, upright).Find(features);
            var map = RunMap.Create(features[^1].Features, images, upright, stop);
            LeaveOut(ReportPart.Map, map is null, "there are too few images.");
            return (neighbors, map);
        }
        catch (Exception error) when (error is InvalidDataException or DataSourceException or IOException)
        {
            var cure = error is DataSourceException ? " If the images are elsewhere, name them with --data." : "";
            LeaveOut(ReportPart.Neighbors, true, error.Message + cure);
            LeaveOut(ReportPart.Map, true, "it needs the same images.");
            return (null, null);
        }
        finally
        {
            features.ForEach(stage => stage.Features.Dispose());
        }
    }

    // Test images if there are any: the encoder was not trained on them.
    private IImageDataset Images(EncoderTarget encoder)
    {
        var source = data ?? encoder.OwnData ?? throw new InvalidDataException(
            "the run names no images. Name them with --data.");
        var (train, test) = DataSource.Open(source, data is null ? encoder.Config.Validation : null, DataNotices.Tell);
        return ShownImages.Spread(test ?? train, mostImages);
    }

    private void LeaveOut(ReportPart part, bool isMissing, string why)
    {
        if (isMissing)
        {
            _leftOut[part] = why;
        }
    }
}
