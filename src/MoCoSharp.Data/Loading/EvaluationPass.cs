using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>One view of every image in the order of the data set; broken ones are left out.</summary>
internal sealed class EvaluationPass(IImageDataset data, ViewTransform transform, LoaderOptions options, int batchSize)
{
    private readonly BadImages images = new(data, options);
    private readonly ViewBatchPool pool = new(batchSize, transform.Size, hasKeys: false);

    public IEnumerable<ViewBatch> Run(CancellationToken cancellation)
    {
        var batches = (int)(((long)data.Count + batchSize - 1) / batchSize);
        using var pipeline = new BatchPipeline(
            batches,
            number => pool.Rent(Math.Min(batchSize, data.Count - (number * batchSize))),
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

    private void Fill(int number, ViewBatch batch, int slot)
    {
        var index = (number * batchSize) + slot;
        var random = new SampleRandom(seed: 0, epoch: 0, index, view: 0);
        var made = images.TryMake(index, transform.Request(options.Decoder, random, random), (transform, batch, slot, random), static (state, read) =>
        {
            state.transform.Write(read.Image, ref state.random, state.batch.QueryView(state.slot));
            state.batch.Labels[state.slot] = read.Label;
        });
        batch.Indices[slot] = made ? index : -1;
    }
}
