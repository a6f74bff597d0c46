using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>Two views of each image, in batches made ahead by several threads.</summary>
/// <remarks>
/// Batch and views are pure functions of (seed, epoch, position): the number of workers, the number of ranks and a
/// resume in the middle of an epoch change nothing. A broken image leaves its place to the next readable one of the
/// epoch's order, so the steps of an epoch stay fixed. So does an image that cannot be read now, for a fault of disk or
/// network; it is tried again at its next turn. Where none can be read, that is waited out, up to
/// <see cref="LoaderOptions.OutageSeconds"/>.
/// </remarks>
public sealed class ViewLoader : IDisposable
{
    // images that cannot be read, after which so many places all over the order are tried
    private const int FaultsInARow = 100;
    private const int PlacesTried = 1000;

    private readonly IImageDataset data;
    private readonly ViewTransform transform;
    private readonly LoaderOptions options;
    private readonly long seed;
    private readonly int batchSize, rank, ranks;
    private readonly BadImages images;
    private readonly ViewBatchPool pool;
    private readonly List<BatchPipeline> running = [];
    private bool disposed;

    private ViewLoader(
        IImageDataset data, ViewTransform transform, LoaderOptions options, long seed, int batchSize, int rank,
        int ranks, bool hasKeys)
    {
        this.data = data;
        this.transform = transform;
        this.options = options;
        this.seed = seed;
        this.batchSize = batchSize;
        this.rank = rank;
        this.ranks = ranks;
        images = new BadImages(data, options, image => BadImageFound?.Invoke(image));
        pool = new ViewBatchPool(batchSize / ranks, transform.Size, hasKeys);
    }

    /// <summary>A bad image was met, told once for each. Raised on a worker's thread.</summary>
#pragma warning disable MA0046 // The image is all there is to tell; a sender would be noise.
    public event Action<BadImage>? BadImageFound;
#pragma warning restore MA0046

    /// <summary>Where the images come from.</summary>
    public IImageDataset Data => data;

    /// <summary>Batches in an epoch; images that do not fill a last one are left out of it.</summary>
    public int BatchesPerEpoch => data.Count / batchSize;

    /// <summary>The images that were broken or lost a turn so far, by index.</summary>
    public IReadOnlyCollection<BadImage> BadImages => images.All;

    /// <summary>A loader over a data set; nothing is read yet.</summary>
    /// <param name="data">At least a batch of images.</param>
    /// <param name="transform">Makes each of the two views.</param>
    /// <param name="options">How to read ahead.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="batchSize">
    /// Images in the global batch, over all ranks; a multiple of <paramref name="ranks"/>.
    /// </param>
    /// <param name="rank">This process: it gets the global batch's slots i with i mod ranks = rank.</param>
    /// <param name="ranks">Number of processes.</param>
    /// <param name="views">Of each image: 2, or 1, where batches have no keys.</param>
    /// <exception cref="ArgumentException">
    /// The batch does not fit the data or the ranks, or the options are faulty.
    /// </exception>
    public static ViewLoader Open(
        IImageDataset data, ViewTransform transform, LoaderOptions options, long seed, int batchSize, int rank = 0,
        int ranks = 1,
        int views = 2)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, ranks);
        ArgumentOutOfRangeException.ThrowIfNotEqual(views is 1 or 2, true, nameof(views));
        options.ThrowIfFaulty();
        ImageDecoder.ThrowIfMissing(options.JpegDecoder);
        if (batchSize % ranks != 0)
        {
            throw new ArgumentException(
                $"A batch of {batchSize} does not divide among {ranks} processes: expected a multiple of {ranks}.",
                nameof(batchSize));
        }

        if (data.Count < batchSize)
        {
            throw new ArgumentException(
                $"{data.Description} has {data.Count} images, fewer than a batch of {batchSize}. Lower batchSize or " +
                "add images.",
                nameof(batchSize));
        }

        return new ViewLoader(data, transform, options, seed, batchSize, rank, ranks, hasKeys: views > 1);
    }

    /// <summary>The batches of an epoch in order. Leaving the loop early stops the workers.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="firstBatch">Where to begin, 0 to <see cref="BatchesPerEpoch"/>: a resume.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches that the caller disposes.</returns>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail, or all are broken.
    /// </exception>
    public IEnumerable<ViewBatch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        return Enumerate();

        IEnumerable<ViewBatch> Enumerate()
        {
            var order = EpochOrder.Of(data, options, seed, epoch);
            var local = batchSize / ranks;
            using var pipeline = new BatchPipeline(
                BatchesPerEpoch - firstBatch,
                _ => pool.Rent(local),
                (number, batch, slot, isStopped) =>
                    Fill(
                        batch, slot, order, epoch,
                        position: ((firstBatch + number) * batchSize) + (slot * ranks) + rank,
                        isStopped),
                Math.Min(options.ResolveWorkers(), local * (options.PrefetchBatches + 1)),
                options.PrefetchBatches);
            Register(pipeline);
            try
            {
                foreach (var batch in pipeline.Run(cancellation))
                {
                    yield return batch;
                }
            }
            finally
            {
                Unregister(pipeline);
            }
        }
    }

    /// <summary>
    /// Every image once, in the order of the data set, for evaluation. The last batch may be shorter.
    /// </summary>
    /// <param name="data">Any number of images.</param>
    /// <param name="evaluation">A transform that draws nothing; <see cref="ViewRecipes.Evaluation"/>.</param>
    /// <param name="options">How to read ahead.</param>
    /// <param name="batchSize">Images in a batch, above 0.</param>
    /// <param name="badImage">Told of each bad image, on the thread that met it.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <param name="indices">Those to take, in this order; null is every image.</param>
    /// <returns>
    /// Batches without keys. A bad image is missing: <see cref="ViewBatch.Indices"/> tells which are there.
    /// </returns>
    /// <remarks>
    /// An image that cannot be read now, for a fault of disk or network, is tried again for a moment before it is left
    /// out.
    /// </remarks>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail; or none can be read any more.
    /// </exception>
    public static IEnumerable<ViewBatch> Evaluate(
        IImageDataset data, ViewTransform evaluation, LoaderOptions options, int batchSize,
        Action<BadImage>? badImage = null,
        IReadOnlyList<int>? indices = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        options.ThrowIfFaulty();
        return new SinglePass(
            data, indices is null ? null : [.. indices], evaluation, seed: 0, epoch: 0, options,
            Math.Min(batchSize, Math.Max(data.Count, 1)), badImage
        ).Run(cancellation);
    }

    /// <summary>
    /// One random view of each of some images in the random order of an epoch, to train on labels. No image is left
    /// out: the last batch may be shorter.
    /// </summary>
    /// <param name="data">Labelled images.</param>
    /// <param name="indices">Those to take, at least one; null is all.</param>
    /// <param name="transform">Makes the view; <see cref="ViewRecipes.Supervised"/>.</param>
    /// <param name="options">How to read ahead.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0; order and views are pure functions of seed and epoch.</param>
    /// <param name="batchSize">Images in a batch, above 0.</param>
    /// <param name="badImage">Told of each bad image, on the thread that met it.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <param name="rank">This process: of each batch it gets the places i with i mod ranks = rank.</param>
    /// <param name="ranks">
    /// Number of processes, a divisor of <paramref name="batchSize"/>; batches here are as many times smaller.
    /// </param>
    /// <returns>
    /// Batches without keys. A bad image is missing, and its batch is smaller by one; a batch of none is left out.
    /// </returns>
    /// <remarks>
    /// An image that cannot be read now, for a fault of disk or network, is tried again for a moment before it is left
    /// out.
    /// </remarks>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail; or none can be read any more.
    /// </exception>
    public static IEnumerable<ViewBatch> Labelled(
        IImageDataset data,
        IReadOnlyList<int>? indices,
        ViewTransform transform,
        LoaderOptions options,
        long seed,
        int epoch,
        int batchSize,
        Action<BadImage>? badImage = null,
        int rank = 0,
        int ranks = 1,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        options.ThrowIfFaulty();
        var count = indices?.Count ?? data.Count;
        var order = EpochOrder.Shuffled(count, seed, epoch);
        if (indices is not null)
        {
            order = [.. order.Select(position => indices[position])];
        }

        if (ranks > 1)
        {
            ArgumentOutOfRangeException.ThrowIfNotEqual(batchSize % ranks, 0, nameof(batchSize));
            order = [.. order.Where((_, position) => position % ranks == rank)];
            batchSize /= ranks;
        }

        return new SinglePass(
            data, order, transform, seed, epoch, options, Math.Min(batchSize, Math.Max(count, 1)), badImage
        ).Run(cancellation);
    }

    /// <summary>Stops the workers of an epoch that is still being enumerated.</summary>
    public void Dispose()
    {
        BatchPipeline[] left;
        lock (running)
        {
            disposed = true;
            left = [.. running];
        }

        foreach (var pipeline in left)
        {
            pipeline.Dispose();
        }
    }

    // Until the slot is filled, nobody wants it any more, or it cannot be.
    private void Fill(ViewBatch batch, int slot, int[] order, int epoch, int position, Func<bool> isStopped)
    {
        var since = Stopwatch.GetTimestamp();
        var isTold = false;
        while (TryFill(batch, slot, order, epoch, position) is { } bad && !isStopped())
        {
            if (!bad.MayPass)
            {
                throw new BrokenImageException(
                    $"{data.Description}: none of the {data.Count} images can be read. The first: {images.All.First()}"
                );
            }

            if (options.OnBadImage != BadImageAction.Fail)
            {
                images.Outage.Wait(bad);
                continue;
            }

            if (!images.Outage.HasGiven || Stopwatch.GetElapsedTime(since).TotalSeconds >= options.OutageSeconds)
            {
                throw Loading.BadImages.Failure(bad);
            }

            if (!isTold)
            {
                isTold = true;
                options.Notice?.Invoke(
                    $"{bad} Waiting up to {options.OutageSeconds} s for it, as loader.onBadImage is " +
                    $"\"{BadImageAction.Fail.Name()}\".");
            }

            Thread.Sleep(100);
        }
    }

    /// <returns>
    /// Null where the slot is filled; else why not: an image that may be read later, or one of the broken ones where
    /// all are.
    /// </returns>
    private BadImage? TryFill(ViewBatch batch, int slot, int[] order, int epoch, int position)
    {
        BadImage? own = null; // why the image whose turn it is was not read
        List<BadImage>? passing = null; // those met that may be read later
        var stride = 1;
        for (var attempt = 0; attempt < order.Length; attempt += stride)
        {
            var index = order[(int)(((long)position + attempt) % order.Length)];

            // A stand-in has a turn of its own in the epoch: other view numbers keep its views from appearing twice.
            var query = RandomStreams.View(seed, epoch, index, 2L * attempt);
            var key = RandomStreams.View(seed, epoch, index, (2L * attempt) + 1);
            if (
                images.TryMake(
                    index, transform.Request(options.JpegDecoder, query, key),
                    (transform, batch, slot, index, query, key), Write)
                is not { } bad)
            {
                passing?.ForEach(images.LeaveOut); // others can be read: these are told
                if (own is not null)
                {
                    batch.LeaveOut(slot, own);
                }

                return null;
            }

            own ??= bad;
            if (!bad.MayPass)
            {
                continue;
            }

            (passing ??= []).Add(bad);
            if (options.OnBadImage == BadImageAction.Fail)
            {
                break; // it is waited for
            }

            // A part of the set may be gone, or all of it: places all over the order tell, without asking for a million
            // files.
            if (passing.Count == FaultsInARow)
            {
                stride = Math.Max(1, order.Length / PlacesTried);
            }
        }

        return passing?[0] ?? own;

        static void Write(
            (ViewTransform Transform, ViewBatch Batch, int Slot, int Index, SampleRandom Query, SampleRandom Key) view,
            LabelledImage read)
        {
            view.Transform.Write(read.Image, ref view.Query, view.Batch.QueryView(view.Slot));
            if (view.Batch.Key.Length > 0)
            {
                view.Transform.Write(read.Image, ref view.Key, view.Batch.KeyView(view.Slot));
            }

            view.Batch.Indices[view.Slot] = view.Index;
            view.Batch.Labels[view.Slot] = read.Label;
        }
    }

    private void Register(BatchPipeline pipeline)
    {
        lock (running)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            running.Add(pipeline);
        }
    }

    private void Unregister(BatchPipeline pipeline)
    {
        lock (running)
        {
            running.Remove(pipeline);
        }
    }
}
