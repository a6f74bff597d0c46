using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Measures the accuracy of a kNN classifier on an encoder while it trains, as MoCo's CIFAR demo does.
/// </summary>
/// <param name="bank">The labeled images to find neighbors in: the training set.</param>
/// <param name="queries">The labeled test images.</param>
/// <param name="view">The evaluation view of both.</param>
/// <param name="options">The number of neighbors, the temperature and the layer.</param>
/// <param name="loader">Workers and prefetching.</param>
/// <param name="device">The device of the encoder.</param>
internal sealed class KnnMonitor(
    IImageDataset bank, IImageDataset queries, ViewTransform view, KnnOptions options, LoaderOptions loader,
    Device device)
{
    /// <summary>The protocol, in a phrase.</summary>
    public string Protocol { get; } =
        FormattableString.Invariant($"kNN k={Math.Min(options.Neighbors, bank.Count)} T={options.Temperature}, ") +
        $"cosine, {(options.Layer == FeatureLayer.Head ? "head output" : "pooled features")}, " +
        $"bank {bank.Count}, queries {queries.Count}";

    /// <summary>Called with each broken image every time it is met, from any thread; it is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>The number of images that the latest measurement left out, on all ranks.</summary>
    public int LeftOut { get; private set; }

    /// <summary>One of these images, if this rank met it.</summary>
    public BadImage? FirstLeftOut { get; private set; }

    /// <summary>Classifies the queries.</summary>
    /// <param name="encoder">The encoder. It is in evaluation mode meanwhile, and does not change.</param>
    /// <param name="progress">Called with the number of images done, and of all.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <param name="group">The ranks that share the work, with equal encoders.</param>
    /// <returns>Which queries are right, and the duration in seconds.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public (KnnScore Score, double Seconds) Measure(
        Encoder encoder, Action<int, int>? progress, IProcessGroup group, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var layer = options.Layer;
        var total = bank.Count + queries.Count;
        using var known = FeatureExtractor.Extract(
            encoder, bank, view, layer, loader, device,
            progress: done => progress?.Invoke(done, total),
            badImage: Leave,
            cancellation: cancellation,
            group: group);
        using var asked = FeatureExtractor.Extract(
            encoder, queries, view, layer, loader, device,
            progress: done => progress?.Invoke(bank.Count + done, total),
            badImage: Leave,
            cancellation: cancellation,
            group: group);
        LeftOut = total - known.Labels.Length - asked.Labels.Length;
        var score = KnnClassifier.Score(
            "encoder", known, asked, bank.ClassNames.Count, options, group, device);
        return (score, watch.Elapsed.TotalSeconds);

        void Leave(BadImage bad)
        {
            FirstLeftOut = bad;
            BadImageFound?.Invoke(bad);
        }
    }
}
