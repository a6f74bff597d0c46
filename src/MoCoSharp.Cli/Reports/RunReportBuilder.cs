using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Images;
using MoCoSharp.Diagnostics;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Collects a report from a run folder and the images of the run.</summary>
/// <param name="run">The run folder; it is only read.</param>
/// <param name="images">
/// The images of neighbors, map and clusters. Null leaves these parts out, and does not check checkpoints: only small
/// files are read, for a page that is made again while a run trains.
/// </param>
internal sealed class RunReportBuilder(RunFolder run, ReportImages? images)
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
        var report = new RunReport
        {
            Name = Path.GetFileName(Path.GetFullPath(run.Path).TrimEnd(Path.DirectorySeparatorChar)),
            Verdict = Verdict(worth, diagnosis),
            Charts = charts,
            StepTitle = stepsPerEpoch is { } count ? Invariant($"step ({count:0.#} steps an epoch)") : "step",
            Views = Views(),
            Evaluations = evaluations,
            Health = diagnosis is null ? null : RunHealth.From(diagnosis),
            Facts = RunFacts.Read(run),
            Configuration = config.ToJson(),
            LeftOut = _leftOut,
        };
        return images is null
            ? WithoutImages(report)
            : new LearnedParts(run, images, _leftOut).AddTo(report, stepsPerEpoch, stop);
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
            return RunDiagnosis.Examine(run, checksCheckpoints: images is not null);
        }
        catch (InvalidDataException error)
        {
            LeaveOut(ReportPart.Health, true, error.Message);
            return null;
        }
    }

    private (string Uri, int Width)? Views()
    {
        if (new FileInfo(run.ViewsPath).LinkTarget is not null)
        {
            LeaveOut(ReportPart.Views, true, "views.png of the run is a link, which may show a file of elsewhere.");
            return null;
        }

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

    // Features take minutes of computing, which a training beside it needs.
    private RunReport WithoutImages(RunReport report)
    {
        LeaveOut(
            ReportPart.Neighbors, true,
            $"`moco report {Shell.Quote(run.Path)}` shows them, and map, clusters, near duplicates and mistakes.");
        return report;
    }

    private void LeaveOut(ReportPart part, bool isMissing, string why)
    {
        if (isMissing)
        {
            _leftOut[part] = why;
        }
    }
}
