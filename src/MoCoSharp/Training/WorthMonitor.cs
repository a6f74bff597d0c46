using MoCoSharp.Data.Images;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>
/// Finds out whether a run was worth it: keeps the scores of kNN in baselines.json, measures baselines when training
/// ends, and measures without labels if there are none.
/// </summary>
/// <param name="encoder">The query encoder.</param>
/// <param name="config">The configuration of the run.</param>
/// <param name="run">The run folder; only the first rank writes.</param>
/// <param name="log">The metrics.</param>
/// <param name="group">The ranks that share the work.</param>
/// <param name="observer">Receives reports and the conclusion.</param>
/// <param name="knn">The kNN monitor; null without labels.</param>
/// <param name="labelFree">The label-free monitor; null if monitors are off.</param>
internal sealed class WorthMonitor(
    Encoder encoder, RunConfig config, RunFolder run, RunLog log, IProcessGroup group, IPretrainObserver observer,
    KnnMonitor? knn, LabelFreeMonitor? labelFree)
{
    private const int LabelFreeTimes = 10; // in a run, besides the first

    /// <summary>The kNN monitor; null without labels.</summary>
    public KnnMonitor? Knn => knn;

    /// <summary>Whether a label-free measurement is due at the end of an epoch, or before the first.</summary>
    public bool IsLabelFreeDue(long step, int epoch, long total)
    {
        var every = LabelFreeEvery(config.Knn.EveryEpochs, config.Epochs);
        return labelFree is not null && (epoch % every == 0 || step == total)
            && !GroupRows.AnyRank(group, log.LabelFree.Contains(step));
    }

    /// <summary>How many epochs lie between two label-free measurements: a tenth of the run, or more.</summary>
    /// <param name="knnEveryEpochs">Of the kNN monitor, which would measure as often.</param>
    /// <param name="epochs">Epochs of the run, above 0.</param>
    public static int LabelFreeEvery(int knnEveryEpochs, int epochs) =>
        Math.Max(knnEveryEpochs, (epochs + LabelFreeTimes - 1) / LabelFreeTimes);

    /// <summary>Measures without labels, and reports.</summary>
    public void MeasureLabelFree(long step, int epoch, CancellationToken stop) => Try(
        () => Report(step, epoch, labelFree!.Measure(encoder, group, stop)), "the encoder was not measured");

    /// <summary>Keeps the score of an evaluation in baselines.json.</summary>
    public void Keep(long step, KnnScore score)
    {
        if (group.Rank > 0)
        {
            return;
        }

        var isGiven = config.InitialWeights is not null || File.Exists(run.ImportPath);
        Write(step == 0
            ? new BaselinesFile(
                knn!.Protocol, null, 0,
                [score with { Name = isGiven ? BaselinesFile.Given : BaselinesFile.Untrained }])
            : Read() with { Encoder = score, Step = step });
    }

    /// <summary>Measures what is missing, and tells the conclusion. All epochs are done.</summary>
    public void Conclude(long step, int epoch, CancellationToken stop)
    {
        try
        {
            Try(() => MeasureMissing(step, epoch, stop), "the encoder was not compared with baselines");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || group.Size > 1)
        {
            return; // a resume concludes
        }

        if (group.Rank == 0 && RunWorth.Read(run) is { } worth)
        {
            log.Flush();
            observer.Concluded(
            [
                .. worth.Sentences,
                .. knn?.BaselinesFault is { } fault ? [$"{fault}."] : Array.Empty<string>(),
            ]);
        }
    }

    private void MeasureMissing(long step, int epoch, CancellationToken stop)
    {
        if (labelFree is not null && knn is not null && !GroupRows.AnyRank(group, log.LabelFree.Contains(step)))
        {
            Report(step, epoch, labelFree.Ranks(encoder, group, stop));
        }

        if (knn is { BaselinesFault: null } && GroupRows.AnyRank(group, LacksBaselines()))
        {
            Add(knn.Baselines(group, stop));
        }
    }

    // Images that cannot be read must not end a run. Several ranks cannot go on: the others wait for this one.
    private void Try(Action measure, string otherwise)
    {
        try
        {
            measure();
        }
        catch (Exception error) when (
            group.Size == 1 && (error is IOException or InvalidDataException or BrokenImageException))
        {
            observer.Warned($"{otherwise}: {error.Message}");
        }
    }

    // Only the first rank has the file.
    private bool LacksBaselines() =>
        group.Rank == 0 && Read() is var file && file.Encoder is not null
        && !file.Baselines.Any(score => score.Name == KnnBaselines.RawPixels);

    private void Add(IReadOnlyList<KnnScore> scores)
    {
        if (group.Rank == 0)
        {
            Write(scores.Aggregate(Read(), (file, score) => file.With(score)));
        }
    }

    private BaselinesFile Read() =>
        BaselinesFile.Read(run.BaselinesPath) is { } file && file.Protocol == knn!.Protocol
            ? file
            : new BaselinesFile(knn!.Protocol, null, 0, []);

    private void Write(BaselinesFile file)
    {
        try
        {
            file.Write(run.BaselinesPath);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            observer.Warned($"{run.BaselinesPath} cannot be written: {error.Message} The run continues.");
        }
    }

    private void Report(long step, int epoch, LabelFreeFigures? figures)
    {
        if (figures is null)
        {
            observer.Warned("the effective rank was not measured: some features are not finite numbers.");
            return;
        }

        var report = new LabelFreeReport(step, epoch, figures);
        log.Write(report);
        observer.Measured(report);
    }
}
