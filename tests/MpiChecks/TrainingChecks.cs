using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.MpiChecks;

/// <summary>Training on several processes is the computation of one: every tensor within 1e-8 in float64.</summary>
public static partial class Checks
{
    private const int Batch = 16, Size = 16;

    private static void MoCoAsOneProcess(IProcessGroup group) =>
        SameAsAlone(
            group,
            steps: 20,
            (ranks, groups) => Learned(ranks, groups, BatchNormScope.Split, symmetric: false, recompute: false));

    private static void MoCoSymmetric(IProcessGroup group) =>
        SameAsAlone(
            group,
            steps: 5,
            (ranks, groups) => Learned(ranks, groups, BatchNormScope.Split, symmetric: true, recompute: true));

    private static void MoCoMoreGroups(IProcessGroup group) =>
        SameAsAlone(
            group,
            steps: 5,
            (ranks, groups) => Learned(ranks, 2 * groups, BatchNormScope.Split, symmetric: false, recompute: false));

    // One group over all ranks, as one group in one process.
    private static void MoCoSyncNorm(IProcessGroup group) =>
        SameAsAlone(
            group,
            steps: 5,
            (ranks, _) => Learned(ranks, 1, BatchNormScope.Sync, symmetric: false, recompute: false));

    private static void MoCoSyncNormRecomputed(IProcessGroup group) =>
        SameAsAlone(
            group,
            steps: 3,
            (ranks, _) => Learned(ranks, 1, BatchNormScope.Sync, symmetric: true, recompute: true));

    // Eight samples: 1 x 8, 2 x 4 or 4 x 2 ranks x samples are one computation.
    private static void NtXentGathers(IProcessGroup group) =>
        SameAsAlone(group, steps: 10, (ranks, _) => Contrasted(ranks, ranks.Size, cache: false), batch: 8);

    private static void SimClrGroups(IProcessGroup group) =>
        SameAsAlone(group, steps: 5, (ranks, groups) => Contrasted(ranks, 2 * groups, cache: false));

    private static void SimClrCached(IProcessGroup group) =>
        SameAsAlone(group, steps: 5, (ranks, groups) => Contrasted(ranks, 2 * groups, cache: true));

    // With as many groups as ranks: one group over them all.
    private static (PretrainMethod Method, double LearningRate) Contrasted(IProcessGroup ranks, int groups, bool cache)
    {
        var method = SimClr.Create(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Cifar,
                Head = EncoderHead.MlpBn,
            },
            new SimClrOptions
            {
                Dimension = 8,
                Temperature = 0.5,
                GradientCache = cache,
            },
            groups, seed: 7, ranks, syncNorm: groups == ranks.Size);
        return (method, 0.05);
    }

    private static (PretrainMethod Method, double LearningRate) Learned(
        IProcessGroup ranks, int groups, BatchNormScope norm, bool symmetric, bool recompute)
    {
        var options = new MoCoOptions
        {
            Dimension = 8,
            QueueSize = 40,
            Momentum = 0.9,
            Temperature = 0.2,
            Symmetric = symmetric,
        };
        var encoder = new EncoderOptions
        {
            Depth = 18,
            Width = 4,
            Stem = EncoderStem.Cifar,
            Head = EncoderHead.Mlp,
            ActivationCheckpointing = recompute,
        };
        var method = MoCo.Create(
            encoder, options, norm == BatchNormScope.Split ? groups : ranks.Size, seed: 7, ranks,
            syncNorm: norm == BatchNormScope.Sync);
        return (method, 0.05);
    }

    private static void SameAsAlone(
        IProcessGroup group,
        int steps,
        Func<IProcessGroup, int, (PretrainMethod Method, double LearningRate)> create,
        int batch = Batch)
    {
        using var scope = NewDisposeScope();
        var together = Train(group, steps, batch, create(group, group.Size));
        var alone = Train(SingleProcess.Instance, steps, batch, create(SingleProcess.Instance, group.Size));
        Demand(alone.Keys.SequenceEqual(together.Keys), "other tensors");
        var (name, difference) = alone
            .Select(item => (item.Key, Difference: Difference(together[item.Key], item.Value)))
            .MaxBy(item => item.Difference);
        Demand(difference < 1e-8, FormattableString.Invariant($"{name} differs by {difference:G3}"));

        // And every rank holds the same bits but for nothing.
        var hashes = GroupText.Gather(group, Features.WeightHash.Of(Holder(together)));
        Demand(hashes.Distinct().Count() == 1, "ranks hold other bits than each other");
    }

    private static Dictionary<string, Tensor> Train(
        IProcessGroup group, int steps, int batch, (PretrainMethod Method, double LearningRate) learned)
    {
        using var scope = NewDisposeScope();
        using var method = learned.Method;
        method.to(float64);
        method.train();
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, group);
        for (var i = 0; i < steps; i++)
        {
            using var passing = NewDisposeScope();
            step.Run(i, Share(View(i, 0)), Share(View(i, 1)), learned.LearningRate);
        }

        return method
            .state_dict()
            .Concat(optimizer.Velocities.Select(item => KeyValuePair.Create("velocity." + item.Name, item.Velocity)))
            .ToDictionary(item => item.Key, item => item.Value.detach().clone().DetachFromDisposeScope());

        Tensor Share(Tensor views) => BatchOrder.LocalShard(group, views.narrow(0, 0, batch)).contiguous();
    }

    private static Tensor View(long step, int view)
    {
        var values = new double[Batch * 3 * Size * Size];
        var row = values.Length / Batch;
        for (var i = 0; i < values.Length; i++)
        {
            var (n, p) = (i / row, i % row);
            values[i] = ((((37 + (11 * n)) * p) + (104729L * (view + (2 * step)))) % 1009 / 504.5) - 1;
        }

        return tensor(values, [Batch, 3, Size, Size]);
    }

    private static double Difference(Tensor actual, Tensor expected)
    {
        using var scope = NewDisposeScope();
        var (a, b) = (actual.to(float64), expected.to(float64));
        return ((a - b).norm() / (b.norm() + 1e-30)).item<double>();
    }

    private static Holding Holder(Dictionary<string, Tensor> tensors)
    {
        var module = new Holding();
        foreach (var (name, value) in tensors)
        {
            module.register_buffer(name.Replace('.', '_'), value);
        }

        return module;
    }

    private sealed class Holding() : nn.Module("tensors");
}
