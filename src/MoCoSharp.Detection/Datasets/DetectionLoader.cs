using System.Diagnostics;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// Prepares batches for a detector on several threads. Batches and their order do not depend on the number of threads.
/// </summary>
/// <param name="images">The images with boxes.</param>
/// <param name="options">Sizes and flips.</param>
/// <param name="normalize">Mean and standard deviation.</param>
/// <param name="seed">Fixes order, sizes and flips.</param>
/// <param name="workers">Number of threads, above 0.</param>
internal sealed class DetectionLoader(
    BoxedImages images, DetectionViewOptions options, Normalize normalize, long seed, int workers)
{
    /// <summary>Called for each unusable image, each time it is found, on the thread that found it.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Called when no image can be read any more, and the loader waits. On any thread.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>The longest such wait.</summary>
    internal TimeSpan LongestOutage { get; init; } = TimeSpan.FromSeconds(new LoaderOptions().OutageSeconds);

    /// <summary>
    /// The training batches from a given one on, without end. The next readable image takes the place of a bad one.
    /// </summary>
    /// <param name="batchSize">Images in each batch.</param>
    /// <param name="first">Number of batches to skip.</param>
    /// <param name="cancellation">Cancels the wait.</param>
    /// <exception cref="BrokenImageException">No image can be read, or none can any more, for a minute.</exception>
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
    /// Every image once, one per batch, in order, at the test size. An image that cannot be read is null. After an
    /// error of disk or network, it is tried again first.
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

    // Each batch is one task. As many tasks run as there are workers, and their results are returned in order.
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
                ); // no one waits for the result any more
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
