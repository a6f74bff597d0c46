using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Diagnostics;

/// <summary>Reports a loss that is not finite, with the state of its step. The training loop catches it.</summary>
internal sealed class LossException(double loss, long step, int epoch) : Exception
{
    public double Loss => loss;

    /// <summary>The first step with such a loss.</summary>
    public long Step => step;

    public int Epoch => epoch;

    public double? LearningRate { get; init; }

    /// <summary>The batch, as indices in the data set.</summary>
    public IReadOnlyList<int> Images { get; init; } = [];

    /// <summary>The input of the model that is not finite; null if all inputs are finite.</summary>
    public string? Input { get; init; }

    /// <summary>The output of the model that is not finite; null if all outputs are finite.</summary>
    public string? Output { get; init; }

    /// <summary>The last finite loss and its step.</summary>
    public (long Step, double Loss)? LastGood { get; init; }

    /// <summary>Finds the first loss that is not finite, among the losses up to a step.</summary>
    public static LossException Among(IReadOnlyList<double> losses, long lastStep, int epoch)
    {
        var first = losses.TakeWhile(double.IsFinite).Count();
        var step = lastStep - losses.Count + first + 1;
        return new(losses[first], step, epoch) { LastGood = first > 0 ? (step - 1, losses[first - 1]) : null };
    }
}

/// <summary>Keeps the batches and losses of the latest steps, for the report of a divergence.</summary>
/// <param name="data">The images, for their names.</param>
/// <param name="health">The monitor of the health figures.</param>
internal sealed class Watch(IImageDataset data, HealthMonitor health)
{
    private const int Remembered = 1024;

    private readonly Dictionary<long, int[]> _batches = [];
    private (long Step, double Loss)? _good;
    private long _step;

    public IImageDataset Data => data;

    public HealthMonitor Health => health;

    public void Began(long step, int[] indices)
    {
        _step = step;
        _batches[step] = indices;
        _batches.Remove(step - Remembered);
    }

    /// <summary>Checks the loss of the current step, before the update.</summary>
    public void Check(StepOutput output, Tensor queryViews, Tensor keyViews, double learningRate, int epoch)
    {
        var loss = output.Loss.detach().to(float64).item<double>();
        if (double.IsFinite(loss))
        {
            _good = (_step, loss);
            return;
        }

        throw new LossException(loss, _step, epoch)
        {
            LearningRate = learningRate,
            Images = _batches[_step],
            LastGood = _good,
            Input = Divergence.IsFinite(queryViews)
                ? Divergence.IsFinite(keyViews)
                    ? null
                    : "the key views"
                : "the query views",
            Output =
                output.Query is { } query && !Divergence.IsFinite(query) ? "the queries"
                : Divergence.IsFinite(output.Keys) ? null
                : "the keys",
        };
    }

    /// <summary>Checks the losses since the last report. Reports read them from the device anyway.</summary>
    public void Check(IReadOnlyList<double> losses, long lastStep, double learningRate, int epoch)
    {
        if (!losses.All(double.IsFinite))
        {
            var bad = LossException.Among(losses, lastStep, epoch);
            throw new LossException(bad.Loss, bad.Step, bad.Epoch)
            {
                LearningRate = learningRate,
                LastGood = bad.LastGood ?? _good,
                Images = _batches.GetValueOrDefault(bad.Step) ?? [],
            };
        }

        _good = (lastStep, losses[^1]);
    }
}

/// <summary>The report of a run whose loss is not finite: a message, and diverged.json.</summary>
internal static class Divergence
{
    /// <summary>Whether a tensor holds neither NaN nor infinity.</summary>
    public static bool IsFinite(Tensor values) => !values.is_floating_point() || values.isfinite().all().item<bool>();

    /// <summary>Writes diverged.json, and creates the exception.</summary>
    /// <remarks>
    /// The loss is the mean over ranks, so all ranks call this after the same step. Only rank 0 writes the file.
    /// </remarks>
    public static DivergedException Report(
        RunFolder run, PretrainMethod method, LossException bad, IImageDataset data, string? newest,
        IProcessGroup group)
    {
        var input = GroupText.Gather(group, bad.Input ?? "").FirstOrDefault(text => text.Length > 0);
        var output = GroupText.Gather(group, bad.Output ?? "").FirstOrDefault(text => text.Length > 0);
        var tensor = input ?? FirstBad(method) ?? output ?? "the loss itself, from finite queries and keys";
        var images = GroupText
            .Gather(group, string.Join(' ', bad.Images))
            .SelectMany(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(index => data.NameOf(int.Parse(index, CultureInfo.InvariantCulture))).ToList();
        var content = new JsonObject
        {
            ["step"] = bad.Step,
            ["epoch"] = bad.Epoch,
            ["loss"] = $"{bad.Loss}",
            ["learningRate"] = bad.LearningRate,
            ["firstBadTensor"] = tensor,
            ["lastGoodStep"] = bad.LastGood?.Step,
            ["lastGoodLoss"] = bad.LastGood?.Loss,
            ["checkpoint"] = newest is null ? null : Path.GetFileName(newest),
            ["images"] = new JsonArray([.. images.Select(name => (JsonNode)name)]),
        };
        try
        {
            if (group.Rank == 0)
            {
                RunFolder.WriteJson(run.DivergedPath, content);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The message of the exception has most of the content.
        }

        return new DivergedException(
            FormattableString.Invariant(
                $"Loss is {bad.Loss} at step {bad.Step} (epoch {bad.Epoch}); first bad tensor: {tensor}. ")
            + (
                bad.LastGood is { } good
                    ? FormattableString.Invariant($"Last finite loss {good.Loss:G4} at step {good.Step}; ")
                    : "")
            + FormattableString.Invariant(
                $"learning rate {bad.LearningRate:G3}. Lower optimizer.learningRate or add optimizer.warmupSteps. ")
            + $"The batch's {images.Count} images are named in {run.DivergedPath}; "
            + (newest is null ? "there is no checkpoint yet." : $"the last good state is {newest}."));
    }

    // In the order in which values flow: weights, statistics, queue. Since the step began, only the key encoder and its
    // statistics have changed.
    private static string? FirstBad(PretrainMethod method)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return method.state_dict().FirstOrDefault(item => !IsFinite(item.Value)).Key;
    }
}
