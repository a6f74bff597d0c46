using System.Diagnostics;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Detection;

/// <summary>Batches for a detector, made ahead on several threads, the same ones in the same order whatever their number.</summary>
/// <param name="images">With boxes.</param>
/// <param name="options">Sizes.</param>
/// <param name="normalize">Mean and deviation.</param>
/// <param name="seed">Fixes order, sizes and mirroring.</param>
/// <param name="workers">Threads, above 0.</param>
public sealed class DetectionLoader(BoxedImages images, DetectionViewOptions options, Normalize normalize, long seed, int workers)
{
    private const int TrainingStream = 0;

    /// <summary>Told of each image that cannot be used, whenever it is met, on the thread that met it.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>The training batches from one on, without end. A broken image's place goes to the next image that can be read.</summary>
    /// <param name="batchSize">Images in each.</param>
    /// <param name="first">Batches that went before.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="BrokenImageException">Not one image can be read.</exception>
    public IEnumerable<DetectionBatch> Training(int batchSize, long first, CancellationToken cancellation)
    {
        bool[] isWide = [.. Enumerable.Range(0, images.Count).Select(i => images[i].Width > images[i].Height)];
        return Ahead(AspectGroups.Batches(isWide, batchSize, seed, first), items => new DetectionBatch([.. items.Select(TrainingView)], items), cancellation);
    }

    /// <summary>Every image once, alone, in its order, at the test's size; null where it cannot be read.</summary>
    public IEnumerable<DetectionBatch?> Test(CancellationToken cancellation) => Ahead(
        Enumerable.Range(0, images.Count).Select(index => new[] { new StreamItem(index, index) }),
        items => TryView(items[0].Index, options.TestShortSide, isMirrored: false) is { } view ? new DetectionBatch([view], items) : null,
        cancellation);

    private DetectionView TrainingView(StreamItem item)
    {
        var random = new SampleRandom(seed, item.Position, item.Index, TrainingStream);
        var shortSide = options.ShortSides[random.NextInt(options.ShortSides.Count)];
        var isMirrored = options.Flip && random.NextInt(2) == 1;
        for (var tried = 0; tried < images.Count; tried++)
        {
            if (TryView((item.Index + tried) % images.Count, shortSide, isMirrored) is { } view)
            {
                return view;
            }
        }

        throw new BrokenImageException($"{images.Description}: not one of {images.Count} images can be read.");
    }

    private DetectionView? TryView(int index, int shortSide, bool isMirrored)
    {
        try
        {
            using var image = images.Read(index);
            return DetectionView.Of(image, images[index].Boxes, shortSide, options.LongestSide, isMirrored, normalize);
        }
        catch (BrokenImageException error)
        {
            BadImageFound?.Invoke(new BadImage(index, images[index].Name, error.Message));
            return null;
        }
    }

    // Each batch is one task; as many as there are workers are under way, and they are handed out in order.
    private IEnumerable<TBatch> Ahead<TBatch>(IEnumerable<StreamItem[]> stream, Func<StreamItem[], TBatch> make, CancellationToken cancellation)
    {
        var underWay = new Queue<Task<TBatch>>();
        try
        {
            foreach (var items in stream)
            {
                underWay.Enqueue(Task.Run(() => make(items), cancellation));
                if (underWay.Count > workers)
                {
                    yield return Take(underWay.Dequeue(), cancellation);
                }
            }

            while (underWay.TryDequeue(out var last))
            {
                yield return Take(last, cancellation);
            }
        }
        finally
        {
            foreach (var task in underWay)
            {
                _ = task.ContinueWith(ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default); // nobody waits for it any more
            }
        }
    }

    private static TBatch Take<TBatch>(Task<TBatch> task, CancellationToken cancellation)
    {
        var since = Stopwatch.GetTimestamp();
        cancellation.ThrowIfCancellationRequested();
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        var batch = task.GetAwaiter().GetResult();
        if (batch is DetectionBatch made)
        {
            made.WaitSeconds = Stopwatch.GetElapsedTime(since).TotalSeconds;
        }

        return batch;
    }
}
