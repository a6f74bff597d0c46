using System.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Losses;
using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Diagnostics;

/// <summary>
/// Computes the health figures of a step: some between the backward pass and the update, the others after the update.
/// </summary>
/// <remarks>The monitor changes no bit of the run: the probe restores the BatchNorm buffers.</remarks>
internal sealed class HealthMonitor
{
    private const int Queries = 64; // enough for a mean, and cheap for K = 65536
    private static readonly string[] BatchNormBuffers = ["running_mean", "running_var", "num_batches_tracked"];

    private readonly PretrainMethod _method;
    private readonly MomentumOptimizer _optimizer;
    private readonly RunConfig _config;
    private readonly IProcessGroup _group;
    private readonly int _keysPerImage;
    private readonly QueueRepeats? _repeats;
    private double _seconds;

    /// <summary>Creates the monitor of a run.</summary>
    /// <param name="method">The method that trains.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="group">The ranks. Each rank computes the figures of its share of the batch.</param>
    /// <param name="images">M, the number of images in the data set.</param>
    public HealthMonitor(
        PretrainMethod method, MomentumOptimizer optimizer, RunConfig config, IProcessGroup group, int images)
    {
        _method = method;
        _optimizer = optimizer;
        _config = config;
        _group = group;
        _keysPerImage = config.MoCo is { Symmetric: true } ? 2 : 1;
        _repeats = method.Negatives is { } queue
            ? new QueueRepeats(config.Seed, images, config.BatchSize, queue.shape[0] / _keysPerImage)
            : null;
    }

    /// <summary>Returns the seconds spent in the monitor since the last call, and resets them.</summary>
    public double TakeSeconds()
    {
        var seconds = _seconds;
        _seconds = 0;
        return seconds;
    }

    /// <summary>
    /// Whether a reported step gets figures, and whether it gets the probe too. Both depend only on the step, so a
    /// resumed run computes the same figures.
    /// </summary>
    public (bool Figures, bool Probe) IsDue(long step, bool isLast)
    {
        var figures = _config.Health.EverySteps > 0 && (step == 1 || isLast || Passed(_config.Health.EverySteps));
        return (figures, figures && _config.Health.ProbeEverySteps > 0 && Passed(_config.Health.ProbeEverySteps));

        // Whether this is the first report at or after a multiple of `every`.
        bool Passed(int every) =>
            step % _config.LogEvery == 0 && step / every > Math.Max(0, step - _config.LogEvery) / every;
    }

    /// <summary>Computes the figures that are known between the backward pass and the update.</summary>
    /// <param name="output">The output of the forward pass, with its queries.</param>
    /// <param name="keyViews">The views that the keys were computed from.</param>
    /// <param name="indices">The images of the batch.</param>
    /// <param name="progress">The progress before this step.</param>
    /// <param name="probe">Whether to compute the keys a second time, with the other shuffle.</param>
    public HealthFigures Inspect(
        StepOutput output, Tensor keyViews, IReadOnlyList<int> indices, TrainingProgress progress, bool probe)
    {
        var since = Stopwatch.GetTimestamp();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var figures = new HealthFigures { GradientNorm = Norm(_optimizer.Gradients) };
        if (output.Query is { } query && Finite(query))
        {
            var (deviation, rank) = Spread.Of(query);
            figures = figures with { FeatureDeviation = deviation, EffectiveRank = rank };
            if (_method.Negatives is { } queue)
            {
                figures = Contrast(figures, query, output.Keys, queue, keyViews, progress, probe) with
                {
                    RepeatedImages = _repeats!.Mean(indices, progress.Epoch, progress.Batch),
                };
            }
        }

        _seconds += Stopwatch.GetElapsedTime(since).TotalSeconds;
        return figures;
    }

    /// <summary>Adds the figures that need the update.</summary>
    public HealthFigures Complete(HealthFigures figures, double learningRate)
    {
        var since = Stopwatch.GetTimestamp();
        using var noGrad = no_grad();
        var update = _optimizer.UpdateOf(Norm(_optimizer.Velocities.Select(item => item.Velocity)), learningRate);
        var weights = Norm(_method.LearnedParameters.Select(item => (Tensor)item.Parameter));
        figures = figures with { UpdateRatio = update / Math.Max(weights, double.Epsilon) };
        _seconds += Stopwatch.GetElapsedTime(since).TotalSeconds;
        return figures;
    }

    private HealthFigures Contrast(
        HealthFigures figures, Tensor query, Tensor keys, Tensor queue, Tensor keyViews, TrainingProgress progress,
        bool probe)
    {
        var moco = _config.MoCo!; // only MoCo has a queue
        var temperature = moco.Temperature;
        // if both views are keys, the first half belongs to these queries
        var own = BatchOrder.LocalShard(_group, keys.narrow(0, 0, keys.shape[0] / _keysPerImage)).to(query.dtype);
        var count = Math.Min(Queries, query.shape[0]);
        var some = query.narrow(0, 0, count);
        var positive = Cosines(some, own.narrow(0, 0, count));
        var negatives = NegativeStatistics.Of(some, queue, temperature);
        var keysSeen = progress.Step * _config.BatchSize * _keysPerImage;
        figures = figures with
        {
            QueueFill = Math.Min(1, keysSeen / (double)queue.shape[0]),
            QueueAge = Math.Min(
                progress.Step,
                Math.Ceiling(queue.shape[0] / (double)(_config.BatchSize * _keysPerImage))),
            PositiveSimilarity = positive.Average(),
            HardestNegative = negatives.Hardest.Average(),
            EffectiveNegatives = negatives.Effective.Average(),
            ChanceLoss = ExpectedLoss.Chance(queue.shape[0]),
            LossIfRandom = ExpectedLoss.Random(positive.Average(), queue.shape[0], (int)queue.shape[1], temperature),
        };
        if (!probe || Probe(keyViews) is not { } otherKeys)
        {
            return figures;
        }

        var other = BatchOrder.LocalShard(_group, otherKeys).to(query.dtype);
        var otherPositive = Cosines(some, other.narrow(0, 0, count));
        var (trained, probed) = (Accuracy(positive, negatives), Accuracy(otherPositive, negatives));
        return figures with
        {
            ContrastShuffled = moco.Shuffle ? trained : probed,
            ContrastUnshuffled = moco.Shuffle ? probed : trained,
            KeyShift = 1 - Cosines(own, other).Average(),
        };
    }

    // The keys with the other shuffle. The buffers that this pass changes are restored.
    private Tensor? Probe(Tensor keyViews)
    {
        var buffers = _method
            .named_buffers()
            .Where(item => BatchNormBuffers.Any(item.name.EndsWith))
            .Select(item => (item.buffer, Copy: item.buffer.clone()))
            .ToList();
        var keys = _method.ProbeKeys(keyViews);
        if (keys is not null)
        {
            foreach (var (buffer, copy) in buffers)
            {
                buffer.copy_(copy);
            }
        }

        return keys;
    }

    private static double Accuracy(double[] positive, NegativeStatistics negatives) =>
        positive.Zip(negatives.Hardest).Count(pair => pair.First > pair.Second) / (double)positive.Length;

    private static double[] Cosines(Tensor first, Tensor second) =>
        einsum("nc,nc->n", first, second).to(float64).cpu().data<double>().ToArray();

    private static bool Finite(Tensor values) => values.isfinite().all().item<bool>();

    // The norm over all tensors. Each is read in place, in any memory layout.
    private static double Norm(IEnumerable<Tensor> tensors)
    {
        using var scope = NewDisposeScope();
        var squares = tensors.Select(tensor =>
        {
            var flat = (
                tensor.dim() == 4 && !tensor.is_contiguous() ? tensor.detach().permute(0, 2, 3, 1) : tensor.detach()
            ).reshape(-1);
            return flat.dot(flat);
        }).ToList();
        return squares.Count == 0 ? 0 : Math.Sqrt(stack(squares).to(float64).cpu().data<double>().ToArray().Sum());
    }
}
