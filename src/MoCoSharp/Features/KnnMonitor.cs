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
/// Judges an encoder by the labels of nearest neighbors, as the CIFAR demo does: bank and queries in the evaluation
/// view.
/// </summary>
/// <param name="bank">Labelled images to find neighbors in: the training set.</param>
/// <param name="queries">Labelled images to judge by.</param>
/// <param name="view">The evaluation view of both.</param>
/// <param name="options">k, temperature, layer.</param>
/// <param name="loader">Workers and prefetch.</param>
/// <param name="device">Where the encoder lives.</param>
public sealed class KnnMonitor(
    IImageDataset bank, IImageDataset queries, ViewTransform view, KnnOptions options, LoaderOptions loader,
    Device device)
{
    /// <summary>The protocol, in a phrase: stands beside every number.</summary>
    public string Protocol { get; } = FormattableString.Invariant(
        $"kNN k={Math.Min(options.Neighbors, bank.Count)} T={options.Temperature}, cosine, {(options.Layer == FeatureLayer.Head ? "head output" : "pooled features")}, bank {bank.Count}, queries {queries.Count}"
    );

    /// <summary>Told of each broken image whenever it is met, on the thread that met it; it takes no part.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>How many images of bank and queries took no part in the latest measurement, on any rank.</summary>
    public int LeftOut { get; private set; }

    /// <summary>One of them, where this rank met it.</summary>
    public BadImage? FirstLeftOut { get; private set; }

    /// <summary>Accuracy of the encoder, 0 to 1.</summary>
    /// <param name="encoder">In evaluation mode meanwhile; nothing of it changes.</param>
    /// <param name="progress">Told images done, and images in all.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <param name="group">The ranks that share the work, with equal encoders.</param>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public (double Accuracy, double Seconds) Measure(
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
        var accuracy = KnnClassifier.Accuracy(
            known, asked, bank.ClassNames.Count, Math.Min(options.Neighbors, known.Labels.Length),
            options.Temperature, group);
        return (accuracy, watch.Elapsed.TotalSeconds);

        void Leave(BadImage bad)
        {
            FirstLeftOut = bad;
            BadImageFound?.Invoke(bad);
        }
    }
}
