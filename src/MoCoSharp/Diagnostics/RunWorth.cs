using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Features;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Diagnostics;

/// <summary>A baseline of a run, by the kNN protocol of its monitor.</summary>
/// <param name="Name">"raw pixels", "color histogram", "untrained encoder" or "given weights".</param>
/// <param name="Accuracy">Share of queries that it labels correctly, 0 to 1.</param>
/// <param name="Low">Lower end of the 95 % interval of the encoder's accuracy minus this one.</param>
/// <param name="High">Upper end of this interval.</param>
public readonly record struct RunBaseline(string Name, double Accuracy, double Low, double High);

/// <summary>
/// Whether a run was worth it, and whether more epochs may help. Reads baselines.json and the metrics of the run.
/// </summary>
public sealed record RunWorth
{
    private const double Clearly = 1.1; // ratio of ranks that counts as a rise
    private const double NearlyOne = 2; // a rank of collapsed embeddings

    /// <summary>The protocol of the kNN monitor; null without labels.</summary>
    public string? Protocol { get; private init; }

    /// <summary>The latest accuracy of the kNN monitor, 0 to 1, with its 95 % interval; null without labels.</summary>
    public (double Accuracy, double Low, double High)? Knn { get; private init; }

    /// <summary>Steps done at the latest measurement.</summary>
    public long Step { get; private init; }

    /// <summary>The baselines, measured when a run ends; the encoder before training from the beginning.</summary>
    public IReadOnlyList<RunBaseline> Baselines { get; private init; } = [];

    /// <summary>The latest label-free figures; null if none were measured.</summary>
    public LabelFreeFigures? LabelFree { get; private init; }

    /// <summary>The comparison in a few words, such as "no better than raw pixels"; null without labels.</summary>
    public string? Verdict { get; private init; }

    /// <summary>The conclusion: the comparison, the label-free figures, and the trend.</summary>
    public IReadOnlyList<string> Sentences { get; private init; } = [];

    /// <summary>Reads a run folder; null if the run has not been measured.</summary>
    /// <param name="run">The folder of a pre-training.</param>
    /// <exception cref="InvalidDataException">Its configuration cannot be read.</exception>
    public static RunWorth? Read(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        List<JsonObject> lines =
        [
            .. RunFolder
                .ReadMetrics(run.MetricsPath)
                .Where(line =>
                    line.ContainsKey("epoch") && (line.ContainsKey("knn") || line.ContainsKey("labelFree"))),
        ];
        var config = run.ReadConfig();
        var knn = BaselinesFile.Read(run.BaselinesPath);
        var figures = lines
            .Select(line => (
                Epoch: (int)line.Required("epoch"), Step: (long)line.Required("step"), Of: LabelFreeFigures.From(line)))
            .Where(item => item.Of is not null)
            .Select(item => (item.Epoch, item.Step, Of: item.Of!))
            .ToList();
        var worth = knn?.Encoder is { } encoder ? OfKnn(knn, encoder, config, lines)
            : figures.Count > 0 && knn is null ? OfFigures(figures.ConvertAll(item => (item.Epoch, item.Of)), config)
            : null;
        return worth is null || figures.Count == 0 ? worth : worth with
        {
            LabelFree = figures[^1].Of,
            Step = Math.Max(worth.Step, figures[^1].Step),
        };
    }

    private static RunWorth OfKnn(BaselinesFile file, KnnScore encoder, RunConfig config, List<JsonObject> lines)
    {
        List<KnnScore> baselines = [.. file.Baselines.Where(score => score.Queries.Intersect(encoder.Queries).Any())];
        List<EpochScore> scores =
        [
            .. lines
                .Where(line => line["protocol"] is { } protocol && (string)protocol! == file.Protocol)
                .Select(line => new EpochScore((int)line.Required("epoch"), (double)line.Required("knn"))),
        ];
        var trend = ScoreTrend.OfKnn(scores, encoder.Queries.Length, config.Epochs, FallsToZero(config));
        var (low, high) = encoder.Interval;
        return new RunWorth
        {
            Protocol = file.Protocol,
            Knn = (encoder.Accuracy, low, high),
            Step = file.Step,
            Baselines = [.. baselines.Select(score => Compare(encoder, score))],
            Verdict = baselines.Count > 0 ? KnnVerdict.Words(encoder, baselines) : null,
            Sentences =
            [
                .. baselines.Count > 0 ? [KnnVerdict.Sentence(encoder, baselines)] : Array.Empty<string>(),
                .. trend is null ? Array.Empty<string>() : [trend],
            ],
        };
    }

    private static RunBaseline Compare(KnnScore encoder, KnnScore score)
    {
        var difference = PairedDifference.Of(encoder, score);
        return new RunBaseline(score.Name, score.Accuracy, difference.Low, difference.High);
    }

    private static RunWorth OfFigures(List<(int Epoch, LabelFreeFigures Of)> figures, RunConfig config)
    {
        // An untrained encoder can have a high rank, and no accuracy.
        var trend = ScoreTrend.OfFigure(
            "effective rank (head)",
            [.. figures.Where(item => item.Epoch > 0).Select(item => new EpochScore(item.Epoch, item.Of.HeadRank))],
            config.Epochs, FallsToZero(config));
        return new RunWorth
        {
            Sentences =
            [
                Sentence(figures),
                "These measures need no labels and do not prove that features are useful: label 100 images, and " +
                    "score the encoder with `moco knn`.",
                .. trend is null ? Array.Empty<string>() : [trend],
            ],
        };
    }

    private static string Sentence(List<(int Epoch, LabelFreeFigures Of)> figures)
    {
        var last = figures[^1].Of;
        if (figures.Count == 1 || figures[0].Epoch > 0)
        {
            return $"without labels: {last}, of {last.Images} images; the encoder before training was not measured.";
        }

        var first = figures[0].Of;
        var meaning = last.HeadRank < NearlyOne
            ? "the head's outputs use hardly more than one direction, so the encoder may have collapsed"
            : last.HeadRank > Clearly * first.HeadRank
                ? "the head's outputs use more directions than before training"
                : "the head's outputs use no more directions than before training, which alone is no fault";
        return $"without labels: {meaning}: {first} before, {last} after, of {last.Images} images.";
    }

    private static bool FallsToZero(RunConfig config) => config.Optimizer.Schedule == LearningRateSchedule.Cosine;
}
