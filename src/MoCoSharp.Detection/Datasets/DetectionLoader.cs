using System.Diagnostics;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// Batches for a detector, made ahead on several threads, the same ones in the same order whatever their number.
/// </summary>
/// <param name="images">With boxes.</param>
/// <param name="options">Sizes.</param>
/// <param name="normalize">Mean and deviation.</param>
/// <param name="seed">Fixes order, sizes and mirroring.</param>
/// <param name="workers">Threads, above 0.</param>
internal sealed class DetectionLoader(
    BoxedImages images, DetectionViewOptions options, Normalize normalize, long seed, int workers)
{
    /// <summary>Told of each image that cannot be used, whenever it is met, on the thread that met it.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Told where no image can be read any more, and it waits for them. On any thread.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>How long to wait then.</summary>
    internal TimeSpan LongestOutage { get; init; } = TimeSpan.FromSeconds(new LoaderOptions().OutageSeconds);

    /// <summary>
    /// The training batches from one on, without end. A bad image's place goes to the next image that can be read.
    /// </summary>
    /// <param name="batchSize">Images in each.</param>
    /// <param name="first">Batches that went before.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="BrokenImageException">Not one image can be read, or none any more for a minute.</exception>
    public IEnumerable<DetectionBatch> Training(int batchSize, long first, CancellationToken cancellation)
    {
        bool[] isWide = [.. Enumerable.Range(0, images.Count).Select(i => images[i].Width > images[i].Height)];
        var outage = NewOutage();
        return Ahead(
            AspectGroups.Batches(isWide, batchSize, seed, first),
            items => new DetectionBatch([.. items.Select(item => TrainingView(item, outage, cancellation))], items),
            cancellation);
    }

    /// <summary>
    /// Every image once, alone, in its order, at the test's size; null where it cannot be read, for a fault of disk or
    /// network after second tries.
    /// </summary>
    /// <exception cref="BrokenImageException">No image can be read any more for a minute.</exception>
    public IEnumerable<DetectionBatch?> Test(CancellationToken cancellation)
    {
        var outage = NewOutage();
        var secondTries = new SecondTries(outage, index => SecondTries.Answers(() => images.Read(index)), images.Count);
        return Ahead(
            Enumerable.Range(0, images.Count).Select(index => new[] { new StreamItem(index, index) }),
            items =>
                TestView(items[0].Index, outage, secondTries, cancellation) is { } view
                    ? new DetectionBatch([view], items)
                    : null,
            cancellation);
    }

    private Outage NewOutage() => new(images, images.Description, images.Count, LongestOutage, Notice);

    private DetectionView TrainingView(StreamItem item, Outage outage, CancellationToken cancellation)
    {
        var random = RandomStreams.DetectionView(seed, item.Position, item.Index);
        var shortSide = options.ShortSides[random.NextInt(options.ShortSides.Count)];
        var isMirrored = options.Flip && random.NextInt(2) == 1;
        while (true)
        {
            BadImage? passing = null;
            for (var tried = 0; tried < images.Count; tried++)
            {
                var (view, bad) = TryView((item.Index + tried) % images.Count, shortSide, isMirrored, outage);
                if (view is not null)
                {
                    return view;
                }

                passing = bad is { MayPass: true } ? bad : passing;
                if (tried == 0 && bad is not null)
                {
                    BadImageFound?.Invoke(bad);
                }
            }

            cancellation.ThrowIfCancellationRequested();
            outage.Wait(
                passing
                    ?? throw new BrokenImageException(
                        $"{images.Description}: not one of {images.Count} images can be read."));
        }
    }

    private DetectionView? TestView(int index, Outage outage, SecondTries secondTries, CancellationToken cancellation)
    {
        var first = default((long, long));
        while (true)
        {
            var (view, bad) = TryView(index, options.TestShortSide, isMirrored: false, outage);
            if (bad is null)
            {
                if (first != default)
                {
                    secondTries.Helped();
                }

                return view;
            }

            cancellation.ThrowIfCancellationRequested();
            if (!bad.MayPass || !secondTries.Again(bad, ref first))
            {
                BadImageFound?.Invoke(bad);
                return null;
            }
        }
    }

    private (DetectionView? View, BadImage? Bad) TryView(int index, int shortSide, bool isMirrored, Outage outage)
    {
        try
        {
            using var image = images.Read(index);
            var view = DetectionView.Of(
                image, images[index].Boxes, shortSide, options.LongestSide, isMirrored, normalize);
            outage.Answered();
            return (view, null);
        }
        catch (BrokenImageException error)
        {
            if (!error.MayPass)
            {
                outage.Answered();
            }

            return (null, new BadImage(index, images[index].Name, error.Message) { MayPass = error.MayPass });
        }
    }

    // Each batch is one task; as many as there are workers are under way, and they are handed out in order.
    private IEnumerable<TBatch> Ahead<TBatch>(
        IEnumerable<StreamItem[]> stream,
        Func<StreamItem[], TBatch> make,
        CancellationToken cancellation)
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
                _ = task.ContinueWith(
                    ended => ended.Exception,
                    CancellationToken.None,
                    TaskContinuationOptions.None,
                    TaskScheduler.Default
                ); // nobody waits for it any more
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
