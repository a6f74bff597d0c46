using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Features;

/// <summary>
/// What a kNN classifier achieves without learning, on raw pixels and on color histograms. Training was not worth it if
/// the encoder is no better.
/// </summary>
internal static class KnnBaselines
{
    private const int ImagesAtFullSide = 20_000; // of 32 x 32: 0.3 GB of features, at most 0.6 TFLOP of similarities
    private const int MostImages = 120_000; // of 16 x 16: 0.4 GB

    /// <summary>Why these images have no baselines, in a clause; null if they have.</summary>
    public static string? Fault(IImageDataset bank, IImageDataset queries) =>
        bank.Count + queries.Count is var images && images > MostImages
            ? $"raw pixels are not compared with more than {MostImages} images (here {images})"
            : null;

    /// <summary>The side to which the view is reduced: 32 pixels; 16 if there are many images.</summary>
    public static int Side(IImageDataset bank, IImageDataset queries, ViewTransform view) =>
        PixelFeatures.Side(view, bank.Count + queries.Count <= ImagesAtFullSide ? 32 : 16);

    /// <summary>
    /// Classifies the queries by raw pixels and by color histograms, with the settings and the view of a kNN monitor.
    /// </summary>
    /// <param name="bank">The labeled images to find neighbors in.</param>
    /// <param name="queries">The labeled test images.</param>
    /// <param name="view">
    /// The evaluation view of both. Pixels are averaged over areas to <see cref="Side"/>; colors are those of
    /// <see cref="PixelFeatures.ColorView"/>.
    /// </param>
    /// <param name="options">The number of neighbors, lowered to the size of the bank, and the temperature.</param>
    /// <param name="loader">Workers and prefetching.</param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    /// <param name="group">The ranks that share the work; null is this process alone.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>"raw pixels" and "color histogram"; empty if <see cref="Fault"/> names a reason.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, on any rank.</exception>
    public static IReadOnlyList<KnnScore> Measure(
        IImageDataset bank, IImageDataset queries, ViewTransform view, KnnOptions options, LoaderOptions loader,
        Device? device = null, IProcessGroup? group = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(options);
        if (Fault(bank, queries) is not null)
        {
            return [];
        }

        var side = Side(bank, queries, view);
        return
        [
            Score("raw pixels", view, batch => PixelFeatures.Pixels(batch, view.Normalize, side)),
            Score(
                "color histogram", PixelFeatures.ColorView(view),
                batch => PixelFeatures.Histogram(batch, view.Normalize)),
        ];

        KnnScore Score(string name, ViewTransform views, Func<ViewBatch, Tensor> features)
        {
            using var known = Extract(bank);
            using var asked = Extract(queries);
            return KnnClassifier.Score(name, known, asked, bank.ClassNames.Count, options, group, device);

            FeatureSet Extract(IImageDataset data) => FeatureExtractor.Collect(
                batch => functional.normalize(features(batch), dim: 1), data, views, loader,
                group: group, cancellation: cancellation);
        }
    }
}
