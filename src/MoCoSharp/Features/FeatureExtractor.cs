using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using MoCoSharp.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Features;

/// <summary>Which output of an encoder serves as feature.</summary>
public enum FeatureLayer
{
    /// <summary>The pooled features, [N, D].</summary>
    Pooled,

    /// <summary>The head's output, [N, C].</summary>
    Head,
}

/// <summary>Features of a data set, L2-normalised, with labels.</summary>
/// <param name="Values">Shape [M, D], on the CPU.</param>
/// <param name="Labels">Length M; -1 where there is none.</param>
/// <param name="Indices">Length M: which image of the set; broken ones are left out.</param>
public sealed record FeatureSet(Tensor Values, int[] Labels, int[] Indices) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Values.Dispose();
}

/// <summary>Runs an encoder over a data set in evaluation mode; its BatchNorm is not touched.</summary>
public static class FeatureExtractor
{
    /// <summary>Features of every readable image, in the order of the set.</summary>
    /// <param name="encoder">Its mode is put back afterwards.</param>
    /// <param name="data">The images.</param>
    /// <param name="view">The evaluation view.</param>
    /// <param name="layer">Which output.</param>
    /// <param name="loader">Workers and prefetch.</param>
    /// <param name="device">Where the encoder lives.</param>
    /// <param name="progress">Told the number of images done.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static FeatureSet Extract(
        Encoder encoder,
        IImageDataset data,
        ViewTransform view,
        FeatureLayer layer,
        LoaderOptions loader,
        Device device,
        Action<int>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(data);
        const int batchSize = 256;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        var labels = new List<int>();
        var indices = new List<int>();
        var wasTraining = encoder.training;
        encoder.eval();
        try
        {
            foreach (var batch in ViewLoader.Evaluate(data, view, loader, batchSize, cancellation))
            {
                using (batch)
                {
                    using var batchScope = NewDisposeScope();
                    var images = HostMemory.Images(batch.Query, batch.Count, batch.Size, device);
                    var features = layer == FeatureLayer.Head ? encoder.call(images) : encoder.Features(images);
                    parts.Add(functional.normalize(features, dim: 1).cpu().MoveToOuterDisposeScope());
                    labels.AddRange(batch.Labels.AsSpan(0, batch.Count));
                    indices.AddRange(batch.Indices.AsSpan(0, batch.Count));
                    progress?.Invoke(indices.Count);
                }
            }
        }
        finally
        {
            encoder.train(wasTraining);
        }

        cancellation.ThrowIfCancellationRequested();
        if (parts.Count == 0)
        {
            throw new InvalidDataException($"{data.Description}: no readable image to evaluate on.");
        }

        return new FeatureSet(cat(parts).DetachFromDisposeScope(), [.. labels], [.. indices]);
    }
}
