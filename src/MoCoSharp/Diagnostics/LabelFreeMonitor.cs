using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Diagnostics;

/// <summary>Measures an encoder without labels, while it trains.</summary>
/// <param name="data">The training images; evenly spaced ones are used.</param>
/// <param name="evaluation">The evaluation view, for the ranks.</param>
/// <param name="training">The training views, for LiDAR.</param>
/// <param name="loader">Workers and prefetching.</param>
/// <param name="device">The device of the encoder.</param>
internal sealed class LabelFreeMonitor(
    IImageDataset data, ViewTransform evaluation, ViewTransform training, LoaderOptions loader, Device device)
{
    private const int Images = 2048; // for the ranks
    private const int ImagesOfLidar = 512;
    private const int Views = 8; // of each image of LiDAR

    /// <summary>Images that pass through the encoder in one measurement of a data set.</summary>
    /// <param name="images">Number of images in the set.</param>
    public static int Passes(int images) => (2 * Math.Min(Images, images)) + (Views * Math.Min(ImagesOfLidar, images));

    /// <summary>Measures RankMe of pooled features and head outputs.</summary>
    /// <param name="encoder">The encoder. It is in evaluation mode meanwhile, and does not change.</param>
    /// <param name="group">The ranks that share the work, with equal encoders.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Null if a feature is not a finite number.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public LabelFreeFigures? Ranks(Encoder encoder, IProcessGroup group, CancellationToken cancellation)
    {
        var since = Stopwatch.GetTimestamp();
        using var scope = NewDisposeScope();
        var some = new SomeImages(data, Images);
        var pooled = Extract(FeatureLayer.Pooled);
        var head = Extract(FeatureLayer.Head);
        return !IsFinite(pooled) || !IsFinite(head) ? null : new LabelFreeFigures(
            EffectiveRank.RankMe(pooled), EffectiveRank.RankMe(head), null, (int)pooled.shape[0],
            Stopwatch.GetElapsedTime(since).TotalSeconds);

        Tensor Extract(FeatureLayer layer) => FeatureExtractor.Extract(
            encoder, some, evaluation, layer, loader, device, normalize: false, group: group,
            cancellation: cancellation).Values;
    }

    /// <summary>Measures the ranks, and LiDAR of L2-normalized head outputs.</summary>
    /// <param name="encoder">The encoder. It is in evaluation mode meanwhile, and does not change.</param>
    /// <param name="group">The ranks that share the work, with equal encoders.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Null if a feature is not a finite number.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public LabelFreeFigures? Measure(Encoder encoder, IProcessGroup group, CancellationToken cancellation)
    {
        var since = Stopwatch.GetTimestamp();
        if (Ranks(encoder, group, cancellation) is not { } ranks)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        var some = new SomeImages(data, ImagesOfLidar);
        List<FeatureSet> views =
        [
            .. Enumerable.Range(0, Views).Select(view => FeatureExtractor.Extract(
                encoder, some, training, FeatureLayer.Head, loader, device, group: group, viewNumber: view,
                cancellation: cancellation)),
        ];
        // An image that could not be read for one of the views is left out.
        var all = views.Select(view => view.Indices.AsEnumerable()).Aggregate((one, other) => one.Intersect(other));
        var rows = all.ToHashSet();
        var stacked = stack(views.Select(view => view.Values.index_select(0, tensor([
            .. Enumerable.Range(0, view.Indices.Length).Where(row => rows.Contains(view.Indices[row]))
                .Select(row => (long)row),
        ]))), 1); // [N, V, C]
        return ranks with
        {
            Lidar = stacked.shape[0] > 1 && IsFinite(stacked) ? EffectiveRank.Lidar(stacked) : null,
            Seconds = Stopwatch.GetElapsedTime(since).TotalSeconds,
        };
    }

    private static bool IsFinite(Tensor values) => values.isfinite().all().item<bool>();
}
