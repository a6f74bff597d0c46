using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>The problems of a run, with its health figures. Examining a run only reads its folder.</summary>
public sealed record RunDiagnosis
{
    private const double ManyLeftOut = 0.1; // share of all samples

    private RunDiagnosis()
    {
    }

    /// <summary>The process that trains in the folder; null if there is none.</summary>
    public string? Holder { get; private init; }

    /// <summary>
    /// The file name of every checkpoint, the newest first, with its fault; the fault is null for a sound file.
    /// </summary>
    public IReadOnlyList<(string Name, string? Fault)> Checkpoints { get; private init; } = [];

    /// <summary>The latest report that has figures; null if there is none. The epoch is counted from 1.</summary>
    public (long Step, int Epoch, double Loss, double ContrastAccuracy, double LearningRate)? Latest
    {
        get;
        private init;
    }

    /// <summary>The latest value of every figure, the step of its report, and what it means.</summary>
    public IReadOnlyList<(string Name, double Value, long Step, string Meaning)> Figures { get; private init; } = [];

    /// <summary>The median share of training time spent on the figures, 0 to 1; null without figures.</summary>
    public double? FigureShare { get; private init; }

    /// <summary>How much of the queue is filled, 0 to 1; null if the method has no queue.</summary>
    public double? QueueFill { get; private init; }

    /// <summary>Describes the images that were left out; null if there are none.</summary>
    public string? LeftOut { get; private init; }

    /// <summary>Diagnoses that were made during training and no longer hold.</summary>
    public IReadOnlyList<Diagnosis> Earlier { get; private init; } = [];

    /// <summary>The problems at the latest report.</summary>
    public IReadOnlyList<Diagnosis> Diagnoses { get; private init; } = [];

    /// <summary>Signs that the run has hardly learned yet, in a clause; null if there are none.</summary>
    public string? NotYetLearned { get; private init; }

    /// <summary>Whether nothing is wrong: no diagnosis holds, and every checkpoint is sound.</summary>
    public bool IsSound => Diagnoses.Count == 0 && Checkpoints.All(checkpoint => checkpoint.Fault is null);

    /// <summary>Reads a run folder.</summary>
    /// <param name="run">The folder of a pre-training.</param>
    /// <param name="checksCheckpoints">
    /// Whether to read every checkpoint and check its bytes. If not, <see cref="Checkpoints"/> is empty.
    /// </param>
    /// <exception cref="InvalidDataException">Its configuration, metrics or diverged.json cannot be read.</exception>
    public static RunDiagnosis Examine(RunFolder run, bool checksCheckpoints = true)
    {
        ArgumentNullException.ThrowIfNull(run);
        var config = run.ReadConfig();
        List<JsonObject> metrics = [.. RunFolder.ReadMetrics(run.MetricsPath)];
        List<HealthLine> lines = [.. metrics.Select(HealthLine.From).OfType<HealthLine>()];
        var leftOut = Runs.LeftOut.Sum(metrics);
        Diagnosis?[] found =
        [
            Diverged(run),
            .. DiagnosisRules.Apply(config, Images(run), lines),
            TooManyLeftOut(leftOut, config, metrics),
        ];
        List<Diagnosis> diagnoses = [.. found.OfType<Diagnosis>()];
        var last = lines.LastOrDefault();
        return new RunDiagnosis
        {
            Holder = run.Holder(),
            Checkpoints = checksCheckpoints ? Verify(run) : [],
            Latest = last is null
                ? null
                : (last.Step, last.Epoch, last.Loss, last.ContrastAccuracy, last.LearningRate),
            Figures = LatestFigures(lines),
            FigureShare = Median([.. metrics.Select(line => (double?)line["healthShare"]).OfType<double>().Order()]),
            QueueFill = last?.Figures.QueueFill,
            LeftOut = leftOut is null ? null : $"{leftOut.Describe()}, the last by step {leftOut.Step}",
            Earlier = [.. ToldWhileTraining(metrics).Where(told => diagnoses.All(now => now.Id != told.Id))],
            Diagnoses = diagnoses,
            NotYetLearned = Learning.NotYet(
                config, lines, [.. metrics.Select(line => (double?)line["knn"]).OfType<double>()]),
        };
    }

    private static double? Median(List<double> ordered) => ordered.Count == 0 ? null : ordered[ordered.Count / 2];

    private static List<(string Name, string? Fault)> Verify(RunFolder run)
    {
        List<(string Name, string? Fault)> verified = [];
        foreach (var path in run.Checkpoints())
        {
            try
            {
                using var stream = File.OpenRead(path);
                var isWhole = Checksum.Verify(stream, path);
                verified.Add((Path.GetFileName(path), isWhole ? null : "it has no checksum"));
            }
            catch (InvalidDataException error)
            {
                verified.Add((Path.GetFileName(path), error.Message));
            }
            catch (FileNotFoundException)
            {
                // The run is training, and has just removed this checkpoint.
            }
        }

        return verified;
    }

    // The probe runs less often than reports, so its figures may come from an earlier report.
    private static List<(string Name, double Value, long Step, string Meaning)> LatestFigures(List<HealthLine> lines)
    {
        List<(string Name, double Value, long Step, string Meaning)> figures = [];
        foreach (var figure in HealthFigure.All)
        {
            if (lines.LastOrDefault(line => figure.Value(line.Figures) is not null) is { } line)
            {
                figures.Add((figure.Name, figure.Value(line.Figures)!.Value, line.Step, figure.Meaning));
            }
        }

        return figures;
    }

    private static IEnumerable<Diagnosis> ToldWhileTraining(IEnumerable<JsonObject> metrics) => metrics
        .Where(line => line.ContainsKey("verdict"))
        .Select(line => new Diagnosis(
            $"{line["verdict"]}", (long)line.Required("step"), $"{line["finding"]}", $"{line["evidence"]}",
            $"{line["cause"]}", $"{line["cure"]}"));

    // Other images replace the images left out. At a tenth of all samples, the data set is no longer the intended one.
    private static Diagnosis? TooManyLeftOut(LeftOut? leftOut, RunConfig config, List<JsonObject> metrics)
    {
        var steps = metrics.Select(line => (long)line.Required("step")).DefaultIfEmpty().Max();
        if (leftOut is null || steps == 0)
        {
            return null;
        }

        var share = (leftOut.BrokenTurns + leftOut.UnreadableTurns) / (double)(steps * config.BatchSize);
        return share < ManyLeftOut ? null : new Diagnosis(
            "images", steps, "Many images are left out.",
            FormattableString.Invariant($"{share:P0} of the samples were replaced by other images."),
            leftOut.UnreadableTurns > leftOut.BrokenTurns
                ? "The disk or the network could not read them."
                : "Their files are not readable images.",
            "See the messages on stderr. Repair or remove the images, or reconnect the disk.");
    }

    private static int Images(RunFolder run)
    {
        foreach (var path in run.Checkpoints())
        {
            try
            {
                var metadata = SafeTensors.ReadHeader(path).Metadata;
                if (int.TryParse(metadata.GetValueOrDefault("data.images"), out var images))
                {
                    return images;
                }
            }
            catch (Exception error) when (error is InvalidDataException or IOException)
            {
                // Verify reports it.
            }
        }

        return int.MaxValue;
    }

    private static Diagnosis? Diverged(RunFolder run)
    {
        if (!File.Exists(run.DivergedPath))
        {
            return null;
        }

        try
        {
            return Diverged(run, JsonNode.Parse(File.ReadAllText(run.DivergedPath)).Required().AsObject());
        }
        catch (Exception error)
            when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{run.DivergedPath}: cannot be read: {error.Message}", error);
        }
    }

    private static Diagnosis Diverged(RunFolder run, JsonObject told)
    {
        const int named = 5;
        var images = told.Required("images").AsArray().Select(name => (string)name.Required()!).ToList();
        var more = images.Count > named ? $" and {images.Count - named} more in diverged.json" : "";
        var checkpoint = told["checkpoint"] ?? "the beginning";
        return new Diagnosis(
            "diverged", (long)told.Required("step"), $"The loss is {told["loss"]}: the run has ended.",
            $"First bad tensor: {told["firstBadTensor"]}; last good loss {told["lastGoodLoss"]} " +
            $"at step {told["lastGoodStep"]}, learning rate {told["learningRate"]}. " +
            $"The batch: {string.Join(", ", images.Take(named))}{more}.",
            "The usual cause is a learning rate that is too high, or that rises too fast at the start.",
            $"moco pretrain --resume-with-changes --run {Shell.Quote(run.Path)} " +
            $"--set optimizer.learningRate=... continues from {checkpoint}.");
    }
}
