using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// One view of each image, in the given order. Bad images are skipped; those that cannot be read now, only after second
/// tries.
/// </summary>
/// <param name="data">The images.</param>
/// <param name="order">Indices into <paramref name="data"/>; null for every image in the order of the set.</param>
/// <param name="transform">Makes the view.</param>
/// <param name="seed">Seed of the views, with <paramref name="epoch"/>.</param>
/// <param name="epoch">From 0.</param>
/// <param name="options">Options of the loader.</param>
/// <param name="batchSize">Images in a batch. The last may be shorter.</param>
/// <param name="badImage">Called for each skipped image, on the thread that found it.</param>
internal sealed class SinglePass(
    IImageDataset data, int[]? order, ViewTransform transform, long seed, int epoch, LoaderOptions options,
    int batchSize, Action<BadImage>? badImage)
{
    private readonly BadImages _images = new(data, options, badImage);
    private readonly ViewBatchPool _pool = new(batchSize, transform.Size, hasKeys: false);
    private readonly int _count = order?.Length ?? data.Count;

    public IEnumerable<ViewBatch> Run(CancellationToken cancellation)
    {
        var batches = (int)(((long)_count + batchSize - 1) / batchSize);
        using var pipeline = new BatchPipeline(
            batches,
            number => _pool.Rent(Math.Min(batchSize, _count - (number * batchSize))),
            Fill,
            Math.Min(options.ResolveWorkers(), batchSize * (options.PrefetchBatches + 1)),
            options.PrefetchBatches);
        foreach (var batch in pipeline.Run(cancellation))
        {
            batch.Compact();
            if (batch.Count > 0)
            {
                yield return batch;
            }
            else
            {
                batch.Dispose();
            }
        }
    }

    private void Fill(int number, ViewBatch batch, int slot, Func<bool> isStopped)
    {
        var position = (number * batchSize) + slot;
        var index = order?[position] ?? position;
        var bad = TryFill(batch, slot, index);
        var first = default((long, long));
        while (bad is { MayPass: true } && !isStopped() && _images.SecondTries.Again(bad, ref first))
        {
            bad = TryFill(batch, slot, index);
            if (bad is null)
            {
                _images.SecondTries.Helped();
            }
        }

        batch.Indices[slot] = bad is null ? index : -1;
        if (bad is not null)
        {
            _images.LeaveOut(bad);
            batch.LeaveOut(slot, bad);
            if (options.OnBadImage == BadImageAction.Fail)
            {
                throw BadImages.Failure(bad);
            }
        }
    }

    private BadImage? TryFill(ViewBatch batch, int slot, int index)
    {
        var random = RandomStreams.View(seed, epoch, index, view: 0);
        return _images.TryMake(
            index, transform.Request(options.JpegDecoder, random, random), (transform, batch, slot, random),
            static (state, read) =>
        {
            state.transform.Write(read.Image, ref state.random, state.batch.QueryView(state.slot));
            state.batch.Labels[state.slot] = read.Label;
        });
    }
}
