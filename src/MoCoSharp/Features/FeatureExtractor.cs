using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Features;

/// <summary>The output of an encoder that serves as feature.</summary>
[JsonConverter(typeof(EnumNameConverter<FeatureLayer>))]
public enum FeatureLayer
{
    /// <summary>The pooled features. Shape [N, D].</summary>
    [JsonStringEnumMemberName("pooled")]
    Pooled,

    /// <summary>The head's output. Shape [N, C].</summary>
    [JsonStringEnumMemberName("head")]
    Head,
}

/// <summary>A batch of features, valid until the next batch.</summary>
/// <param name="Values">Shape [N, D], on the CPU.</param>
/// <param name="Labels">Length N; -1 without a label.</param>
/// <param name="Indices">Positions in the data set. Length N.</param>
internal readonly record struct FeatureBatch(Tensor Values, int[] Labels, int[] Indices);

/// <summary>Runs an encoder over a data set in evaluation mode. BatchNorm statistics do not change.</summary>
internal static class FeatureExtractor
{
    private const int BatchSize = 256;

    /// <summary>Computes the features of every readable image, in data set order.</summary>
    /// <param name="encoder">The encoder. Its training or evaluation mode is restored afterwards.</param>
    /// <param name="data">The images.</param>
    /// <param name="view">The evaluation view.</param>
    /// <param name="layer">The output to use.</param>
    /// <param name="loader">Workers and prefetch.</param>
    /// <param name="device">The device of the encoder.</param>
    /// <param name="normalize">Whether to L2-normalize features, as kNN needs. Linear classification does not.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="badImage">Receives each broken image, on a worker thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <param name="group">
    /// The ranks that share the work. Each gets all features, bit-identical to those of one process. Null is this
    /// process alone.
    /// </param>
    /// <param name="viewNumber">With a random view: which of an image's views.</param>
    /// <exception cref="InvalidDataException">No image is readable.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled, on any rank.</exception>
    public static FeatureSet Extract(
        Encoder encoder,
        IImageDataset data,
        ViewTransform view,
        FeatureLayer layer,
        LoaderOptions loader,
        Device device,
        bool normalize = true,
        Action<int>? progress = null,
        Action<BadImage>? badImage = null,
        IProcessGroup? group = null,
        int viewNumber = 0,
        CancellationToken cancellation = default)
    {
        var wasTraining = encoder.training;
        encoder.eval();
        try
        {
            return Collect(
                batch => Of(encoder, batch, layer, device, normalize), data, view, loader, progress, badImage, group,
                viewNumber, cancellation);
        }
        finally
        {
            encoder.train(wasTraining);
        }
    }

    /// <summary>Computes other features of every readable image, such as its pixels, in data set order.</summary>
    /// <param name="features">Computes the features of a batch, [N, D] on the CPU.</param>
    /// <param name="data">The images.</param>
    /// <param name="view">The evaluation view.</param>
    /// <param name="loader">Workers and prefetch.</param>
    /// <param name="progress">Receives the number of images done.</param>
    /// <param name="badImage">Receives each broken image, on a worker thread.</param>
    /// <param name="group">The ranks that share the work. Each gets all features. Null is this process alone.</param>
    /// <param name="viewNumber">With a random view: which of an image's views.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">No image is readable.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled, on any rank.</exception>
    public static FeatureSet Collect(
        Func<ViewBatch, Tensor> features, IImageDataset data, ViewTransform view, LoaderOptions loader,
        Action<int>? progress = null, Action<BadImage>? badImage = null, IProcessGroup? group = null,
        int viewNumber = 0, CancellationToken cancellation = default)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        var labels = new List<int>();
        var indices = new List<int>();
        var unreadable = 0;
        Each(features, data, view, viewNumber, loader, Keep, Leave, group, cancellation);
        return new FeatureSet(
            cat(parts).DetachFromDisposeScope(), [.. labels], [.. indices], [.. indices.Select(data.NameOf)])
        {
            Unreadable = unreadable,
        };

        void Keep(FeatureBatch batch)
        {
            parts.Add(batch.Values.MoveToOuterDisposeScope());
            labels.AddRange(batch.Labels);
            indices.AddRange(batch.Indices);
            progress?.Invoke(indices.Count);
        }

        void Leave(BadImage bad)
        {
            if (bad.MayPass)
            {
                Interlocked.Increment(ref unreadable);
            }

            badImage?.Invoke(bad);
        }
    }

    /// <summary>Computes features batch by batch, for data sets whose features do not fit in memory.</summary>
    /// <param name="encoder">The encoder. Its training or evaluation mode is restored afterwards.</param>
    /// <param name="data">The images.</param>
    /// <param name="view">The evaluation view.</param>
    /// <param name="layer">The output to use.</param>
    /// <param name="loader">Workers and prefetch.</param>
    /// <param name="device">The device of the encoder.</param>
    /// <param name="normalize">Whether to L2-normalize features.</param>
    /// <param name="take">Receives each batch in order, on this thread.</param>
    /// <param name="badImage">Receives each broken image, on a worker thread.</param>
    /// <param name="group">
    /// The ranks that share the work. Each receives every batch. Null is this process alone.
    /// </param>
    /// <param name="canBeEmpty">Whether it is no error that no image is readable.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">No image is readable.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled, on any rank.</exception>
    public static void Stream(
        Encoder encoder,
        IImageDataset data,
        ViewTransform view,
        FeatureLayer layer,
        LoaderOptions loader,
        Device device,
        bool normalize,
        Action<FeatureBatch> take,
        Action<BadImage>? badImage = null,
        IProcessGroup? group = null,
        bool canBeEmpty = false,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(take);
        var wasTraining = encoder.training;
        encoder.eval();
        try
        {
            Each(
                batch => Of(encoder, batch, layer, device, normalize), data, view, viewNumber: 0, loader, take,
                badImage, group, cancellation, canBeEmpty);
        }
        finally
        {
            encoder.train(wasTraining);
        }
    }

    private static Tensor Of(Encoder encoder, ViewBatch batch, FeatureLayer layer, Device device, bool normalize)
    {
        var images = HostMemory.Images(batch.Query, batch.Count, batch.Size, device);
        var features = layer == FeatureLayer.Head ? encoder.call(images) : encoder.Features(images);
        return (normalize ? functional.normalize(features, dim: 1) : features).cpu();
    }

    private static void Each(
        Func<ViewBatch, Tensor> features, IImageDataset data, ViewTransform view, int viewNumber, LoaderOptions loader,
        Action<FeatureBatch> take, Action<BadImage>? badImage, IProcessGroup? group, CancellationToken cancellation,
        bool canBeEmpty = false)
    {
        using var noGrad = no_grad();
        var count = 0;
        if (group is null or { Size: 1 })
        {
            foreach (
                var batch in ViewLoader.View(
                    data, view, viewNumber, loader, BatchSize, badImage, indices: null, cancellation))
            {
                Made(batch, Take);
            }
        }
        else
        {
            new FeatureShards(group, data.Count, BatchSize).Run(
                (indices, batchSize, stop) =>
                    ViewLoader.View(data, view, viewNumber, loader, batchSize, badImage, indices, stop),
                Made,
                Take,
                cancellation);
        }

        cancellation.ThrowIfCancellationRequested();
        if (count == 0 && !canBeEmpty)
        {
            throw new InvalidDataException($"{data.Description}: no readable image to evaluate on.");
        }

        void Made(ViewBatch batch, Action<FeatureBatch> use)
        {
            using (batch)
            {
                using var scope = NewDisposeScope();
                use(new FeatureBatch(features(batch), batch.Labels[..batch.Count], batch.Indices[..batch.Count]));
            }
        }

        void Take(FeatureBatch batch)
        {
            count += batch.Indices.Length;
            take(batch);
        }
    }
}
