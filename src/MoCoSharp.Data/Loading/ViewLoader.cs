using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>Loads two views of each image, in batches that several threads prepare ahead.</summary>
/// <remarks>
/// Batches and views are pure functions of (seed, epoch, position). The number of workers, the number of ranks and a
/// resume in the middle of an epoch change nothing. The next readable image of the epoch takes the place of a broken
/// one, so an epoch always has the same number of steps. An image that cannot be read now, because of a disk or network
/// error, is replaced too, and tried again in the next epoch. If no image can be read, the loader waits up to
/// <see cref="LoaderOptions.OutageSeconds"/>.
/// </remarks>
public sealed class ViewLoader : IDisposable
{
    // After this many unreadable images in a row, as many places all over the order are tried.
    private const int FaultsInARow = 100;
    private const int PlacesTried = 1000;

    private readonly IImageDataset _data;
    private readonly ViewTransform _transform;
    private readonly LoaderOptions _options;
    private readonly long _seed;
    private readonly int _batchSize, _rank, _ranks;
    private readonly BadImages _images;
    private readonly ViewBatchPool _pool;
    private readonly List<BatchPipeline> _running = [];
    private bool _disposed;

    private ViewLoader(
        IImageDataset data, ViewTransform transform, LoaderOptions options, long seed, int batchSize, int rank,
        int ranks, bool hasKeys)
    {
        _data = data;
        _transform = transform;
        _options = options;
        _seed = seed;
        _batchSize = batchSize;
        _rank = rank;
        _ranks = ranks;
        _images = new BadImages(data, options, image => BadImageFound?.Invoke(image));
        _pool = new ViewBatchPool(batchSize / ranks, transform.Size, hasKeys);
    }

    /// <summary>A bad image was found. Raised once for each, on a worker's thread.</summary>
#pragma warning disable MA0046 // The image is the only argument; a sender adds nothing.
    public event Action<BadImage>? BadImageFound;
#pragma warning restore MA0046

    /// <summary>The images.</summary>
    public IImageDataset Data => _data;

    /// <summary>Batches in an epoch. An incomplete last batch is dropped.</summary>
    public int BatchesPerEpoch => _data.Count / _batchSize;

    /// <summary>The images that were broken or skipped so far, by index.</summary>
    public IReadOnlyCollection<BadImage> BadImages => _images.All;

    /// <summary>Opens a loader for a data set. Nothing is read yet.</summary>
    /// <param name="data">The images, at least one batch.</param>
    /// <param name="transform">Makes each of the two views.</param>
    /// <param name="options">Options of the loader.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="batchSize">
    /// Images in the global batch, over all ranks: a multiple of <paramref name="ranks"/>.
    /// </param>
    /// <param name="rank">This process. It gets the slots i of the global batch with i mod ranks = rank.</param>
    /// <param name="ranks">Number of processes.</param>
    /// <param name="views">Views of each image: 2; or 1 for batches without keys.</param>
    /// <exception cref="ArgumentException">
    /// The batch size does not fit the data or the ranks, or the options have faults.
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
                $"A batch of {batchSize} cannot be divided among {ranks} processes: expected a multiple of {ranks}.",
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

    /// <summary>The batches of an epoch, in order. Leaving the loop early stops the workers.</summary>
    /// <param name="epoch">From 0.</param>
    /// <param name="firstBatch">The batch to begin with, 0 to <see cref="BatchesPerEpoch"/>, for a resume.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <returns>Batches. The caller disposes them.</returns>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail, or all images are broken.
    /// </exception>
    public IEnumerable<ViewBatch> Epoch(int epoch, int firstBatch = 0, CancellationToken cancellation = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(firstBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(firstBatch, BatchesPerEpoch);
        return Enumerate();

        IEnumerable<ViewBatch> Enumerate()
        {
            var order = EpochOrder.Of(_data, _options, _seed, epoch);
            var local = _batchSize / _ranks;
            using var pipeline = new BatchPipeline(
                BatchesPerEpoch - firstBatch,
                _ => _pool.Rent(local),
                (number, batch, slot, isStopped) =>
                    Fill(
                        batch, slot, order, epoch,
                        position: ((firstBatch + number) * _batchSize) + (slot * _ranks) + _rank,
                        isStopped),
                Math.Min(_options.ResolveWorkers(), local * (_options.PrefetchBatches + 1)),
                _options.PrefetchBatches);
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
    /// <param name="evaluation">A transform without randomness; see <see cref="ViewRecipes.Evaluation"/>.</param>
    /// <param name="options">Options of the loader.</param>
    /// <param name="batchSize">Images in a batch, above 0.</param>
    /// <param name="badImage">Called for each bad image, on the thread that found it.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <param name="indices">The images to load, in this order; null for every image.</param>
    /// <returns>
    /// Batches without keys. Bad images are left out: <see cref="ViewBatch.Indices"/> lists the others.
    /// </returns>
    /// <remarks>
    /// An image that cannot be read now, because of a disk or network error, is tried again for a moment before it is
    /// left out.
    /// </remarks>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail; or no image can be read any more.
    /// </exception>
    public static IEnumerable<ViewBatch> Evaluate(
        IImageDataset data, ViewTransform evaluation, LoaderOptions options, int batchSize,
        Action<BadImage>? badImage = null,
        IReadOnlyList<int>? indices = null,
        CancellationToken cancellation = default) =>
        View(data, evaluation, 0, options, batchSize, badImage, indices, cancellation);

    /// <summary>
    /// As <see cref="Evaluate"/>, with a random transform: one view of each image. Views of other numbers differ.
    /// </summary>
    internal static IEnumerable<ViewBatch> View(
        IImageDataset data, ViewTransform transform, int number, LoaderOptions options, int batchSize,
        Action<BadImage>? badImage, IReadOnlyList<int>? indices, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        options.ThrowIfFaulty();
        return new SinglePass(
            data, indices is null ? null : [.. indices], transform, seed: 0, epoch: number, options,
            Math.Min(batchSize, Math.Max(data.Count, 1)), badImage
        ).Run(cancellation);
    }

    /// <summary>
    /// One random view of each image, in the random order of an epoch, to train with labels. No image is dropped: the
    /// last batch may be shorter.
    /// </summary>
    /// <param name="data">Labeled images.</param>
    /// <param name="indices">The images to load, at least one; null for all.</param>
    /// <param name="transform">Makes the view; see <see cref="ViewRecipes.Supervised"/>.</param>
    /// <param name="options">Options of the loader.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0. Order and views are pure functions of seed and epoch.</param>
    /// <param name="batchSize">Images in a batch, above 0.</param>
    /// <param name="badImage">Called for each bad image, on the thread that found it.</param>
    /// <param name="cancellation">Ends the enumeration with <see cref="OperationCanceledException"/>.</param>
    /// <param name="rank">This process. It gets the places i of each batch with i mod ranks = rank.</param>
    /// <param name="ranks">
    /// Number of processes, a divisor of <paramref name="batchSize"/>. A batch here has this process's share of images.
    /// </param>
    /// <returns>
    /// Batches without keys. A batch without its bad images is smaller; an empty batch is left out.
    /// </returns>
    /// <remarks>
    /// An image that cannot be read now, because of a disk or network error, is tried again for a moment before it is
    /// left out.
    /// </remarks>
    /// <exception cref="BrokenImageException">
    /// While enumerating: an image is broken and the options say to fail; or no image can be read any more.
    /// </exception>
    public static IEnumerable<ViewBatch> Labeled(
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
        lock (_running)
        {
            _disposed = true;
            left = [.. _running];
        }

        foreach (var pipeline in left)
        {
            pipeline.Dispose();
        }
    }

    // Returns when the slot is filled, the pipeline is stopped, or the slot cannot be filled.
    private void Fill(ViewBatch batch, int slot, int[] order, int epoch, int position, Func<bool> isStopped)
    {
        var since = Stopwatch.GetTimestamp();
        var isTold = false;
        while (TryFill(batch, slot, order, epoch, position) is { } bad && !isStopped())
        {
            if (!bad.MayPass)
            {
                throw new BrokenImageException(
                    $"{_data.Description}: none of the {_data.Count} images can be read. The first: " +
                    $"{_images.All.First()}"
                );
            }

            if (_options.OnBadImage != BadImageAction.Fail)
            {
                _images.Outage.Wait(bad);
                continue;
            }

            if (!_images.Outage.HasGiven || Stopwatch.GetElapsedTime(since).TotalSeconds >= _options.OutageSeconds)
            {
                throw Loading.BadImages.Failure(bad);
            }

            if (!isTold)
            {
                isTold = true;
                _options.Notice?.Invoke(
                    $"{bad} Waiting up to {_options.OutageSeconds} s for it, as loader.onBadImage is " +
                    $"\"{BadImageAction.Fail.Name()}\".");
            }

            Thread.Sleep(100);
        }
    }

    /// <returns>
    /// Null if the slot is filled. Otherwise an image that may be read later, or a broken one if all are broken.
    /// </returns>
    private BadImage? TryFill(ViewBatch batch, int slot, int[] order, int epoch, int position)
    {
        BadImage? own = null; // the error of the slot's own image
        List<BadImage>? passing = null; // images that may be read later
        var stride = 1;
        for (var attempt = 0; attempt < order.Length; attempt += stride)
        {
            var index = order[(int)(((long)position + attempt) % order.Length)];

            // A replacement also has its own place in the epoch. Other view numbers keep its views from occurring
            // twice.
            var query = RandomStreams.View(_seed, epoch, index, 2L * attempt);
            var key = RandomStreams.View(_seed, epoch, index, (2L * attempt) + 1);
            if (
                _images.TryMake(
                    index, _transform.Request(_options.JpegDecoder, query, key),
                    (_transform, batch, slot, index, query, key), Write)
                is not { } bad)
            {
                passing?.ForEach(_images.LeaveOut); // others can be read, so these are reported
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
            if (_options.OnBadImage == BadImageAction.Fail)
            {
                break; // the caller waits for it
            }

            // A part of the set may be missing, or all of it. Places all over the order show which, without trying a
            // million files.
            if (passing.Count == FaultsInARow)
            {
                stride = Math.Max(1, order.Length / PlacesTried);
            }
        }

        return passing?[0] ?? own;

        static void Write(
            (ViewTransform Transform, ViewBatch Batch, int Slot, int Index, SampleRandom Query, SampleRandom Key) view,
            LabeledImage read)
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
        lock (_running)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _running.Add(pipeline);
        }
    }

    private void Unregister(BatchPipeline pipeline)
    {
        lock (_running)
        {
            _running.Remove(pipeline);
        }
    }
}
