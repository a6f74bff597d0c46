using System.Diagnostics;
using MoCoSharp.Features;
using MoCoSharp.Losses;
using MoCoSharp.Methods;
using TorchSharp;
using TorchSharpPeer;
using static MoCoSharp.Benchmarks.Report;
using static TorchSharp.torch;

namespace MoCoSharp.Benchmarks;

/// <summary>The parts of a step that are not an encoder, and kNN.</summary>
internal static class Parts
{
    public static void Measure(Report report, int rounds, int threads)
    {
        TorchRuntime.Configure();
        TorchRuntime.Load();
        set_num_threads(threads);
        manual_seed(0);
        Loss(report, rounds);
        MomentumUpdate(report, rounds);
        Knn(report);
    }

    private static void Loss(Report report, int rounds)
    {
        using var scope = NewDisposeScope();
        var query = nn.functional.normalize(randn(256, 128), dim: 1).requires_grad_();
        var key = nn.functional.normalize(randn(256, 128), dim: 1);
        var queue = nn.functional.normalize(randn(65536, 128), dim: 1);
        var (official, narrow) = (queue.t().contiguous(), queue.to(bfloat16));
        var narrowOfficial = official.to(bfloat16);
        var times = Interleaved(
            4 * rounds,
            () => Gradient(query, () => OfficialMoCo.Loss(query, key, official, 0.2)),
            () => Gradient(query, () => InfoNce.Loss(query, key, queue, 0.2).Loss),
            () => Gradient(query, () => InfoNce.Loss(query, key, narrow, 0.2).Loss),
            () => Gradient(query, () => StrongMoCo.Loss(query, key, official, 0.2)),
            () => Gradient(query, () => StrongMoCo.Loss(query, key, narrowOfficial, 0.2)));
        const double products = 4.0 * 256 * 128 * 65536 / 1e9;
        report.Row(
            "InfoNCE and gradient, N=256 C=128 K=65536, fp32", Number($"{times[0]:F1} ms"),
            Number($"{times[3]:F1} ms"), Number($"{times[1]:F1} ms"),
            Number($"{times[0] / times[1]:F2}, {times[3] / times[1]:F2}"),
            Number($"its two products alone are {products:F1} GFLOP: {products / times[1] * 1000:F0} GFLOP/s"));
        report.Row(
            "the same, bf16 queue", Number($"{times[0]:F1} ms"), Number($"{times[4]:F1} ms"),
            Number($"{times[2]:F1} ms"), Number($"{times[0] / times[2]:F2}, {times[4] / times[2]:F2}"),
            "exp over N x K logits in fp32");
    }

    private static void MomentumUpdate(Report report, int rounds)
    {
        using var scope = NewDisposeScope();
        using var queryNet = new PlainResNet("r50", 128);
        using var keyNet = new PlainResNet("r50", 128);
        var (queries, averages) = (
            queryNet.parameters().ToList(),
            queryNet.parameters().Select(parameter => parameter.detach().clone()).ToList());
        foreach (var parameter in keyNet.parameters())
        {
            parameter.requires_grad = false;
        }

        var keys = nn.functional.normalize(randn(256, 128), dim: 1);
        var official = randn(128, 65536);
        using var random = new Generator(0);
        using var queue = new KeyQueue(128, 65536, random);
        var times = Interleaved(
            6 * rounds,
            () =>
            {
                OfficialMoCo.MomentumUpdate(keyNet.parameters(), queryNet.parameters(), 0.999);
                OfficialMoCo.Enqueue(official, keys, 512);
            },
            () =>
            {
                MovingAverage.Update(averages, queries, 0.999);
                queue.Enqueue(keys);
            },
            () =>
            {
                StrongMoCo.MomentumUpdate(keyNet.parameters(), queryNet.parameters(), 0.999);
                OfficialMoCo.Enqueue(official, keys, 512);
            });
        var bytes = 12.0 * queries.Sum(parameter => parameter.numel());
        report.Row(
            "momentum update of ResNet-50 and enqueue", Number($"{times[0]:F1} ms"), Number($"{times[2]:F1} ms"),
            Number($"{times[1]:F1} ms"), Number($"{times[0] / times[1]:F2}, {times[2] / times[1]:F2}"),
            Number($"memory: {bytes / times[1] / 1e6:F0} GB/s, each byte once"));
    }

    private static void Knn(Report report)
    {
        using var scope = NewDisposeScope();
        var bank = nn.functional.normalize(randn(50_000, 512), dim: 1);
        var queries = nn.functional.normalize(randn(10_000, 512), dim: 1);
        var labels = Enumerable.Range(0, 50_000).Select(i => i % 10).ToArray();
        var labelTensor = tensor(labels, dtype: int64);
        var times = Interleaved(
            1,
            () => OfficialMoCo.Knn(bank, labelTensor, queries, classes: 10, neighbours: 200, temperature: 0.1),
            () => KnnClassifier.Predict(bank, labels, queries, classes: 10, neighbors: 200, temperature: 0.1));
        const double products = 2.0 * 50_000 * 512 * 10_000 / 1e9;
        var rate = Number($"{products / times[1] * 1000:F0} GFLOP/s");
        report.Row(
            "kNN, bank 50,000 x 512, 10,000 queries, k=200", Number($"{times[0] / 1000:F2} s"), "",
            Number($"{times[1] / 1000:F2} s"), Number($"{times[0] / times[1]:F2}"),
            Number($"its product alone, in fp32 for exactness, is {products:F0} GFLOP: ") + rate);
    }

    private static void Gradient(Tensor query, Func<Tensor> loss)
    {
        query.grad = null;
        loss().backward();
    }

    // Each work once to warm up, then in turn.
    private static double[] Interleaved(int rounds, params Action[] works)
    {
        var times = works.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < works.Length; i++)
            {
                using var scope = NewDisposeScope();
                var begin = Stopwatch.GetTimestamp();
                works[i]();
                if (round > 0)
                {
                    times[i].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
                }
            }
        }

        return [.. times.Select(Median)];
    }
}
