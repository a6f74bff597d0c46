using System.Collections.Concurrent;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Views of a batch of images in plain memory. Dispose it when its pixels are copied: later batches reuse the arrays.
/// </summary>
public sealed class ViewBatch : IDisposable
{
    private readonly ViewBatchPool _pool;
    private readonly SortedList<int, BadImage> _leftOut = []; // by slot
    private float[]? _query;
    private float[]? _key;

    internal ViewBatch(ViewBatchPool pool, int count, int size, float[] query, float[] key)
    {
        _pool = pool;
        _query = query;
        _key = key;
        Count = count;
        Size = size;
        Indices = new int[count];
        Labels = new int[count];
    }

    /// <summary>Images in this batch, N; if there are several ranks, those of this rank.</summary>
    public int Count { get; private set; }

    /// <summary>Side of a view in pixels, H and W.</summary>
    public int Size { get; }

    /// <summary>First view of each image. Shape [N, H, W, 3], row-major. The array may be longer.</summary>
    /// <exception cref="ObjectDisposedException">The batch is disposed.</exception>
    public float[] Query => _query ?? throw new ObjectDisposedException(nameof(ViewBatch));

    /// <summary>
    /// Second view of each image. Shape [N, H, W, 3], row-major. The array may be longer. Empty if one view was
    /// requested, and in evaluation.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The batch is disposed.</exception>
    public float[] Key => _key ?? throw new ObjectDisposedException(nameof(ViewBatch));

    /// <summary>Index in the data set of each image in the batch, including replacements. Shape [N].</summary>
    public int[] Indices { get; private set; }

    /// <summary>Label of each image, -1 for none. Shape [N].</summary>
    public int[] Labels { get; private set; }

    /// <summary>
    /// The images of this batch that could not be read, in order. Each has a replacement in the batch, or none.
    /// </summary>
    public IReadOnlyList<BadImage> LeftOut => [.. _leftOut.Values];

    /// <summary>Seconds that the consumer waited for this batch.</summary>
    public double WaitSeconds { get; internal set; }

    /// <summary>Returns the arrays to the loader.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _query, null) is { } first && Interlocked.Exchange(ref _key, null) is { } second)
        {
            _pool.Return(first, second);
        }
    }

    internal void LeaveOut(int slot, BadImage bad)
    {
        lock (_leftOut)
        {
            _leftOut[slot] = bad;
        }
    }

    internal int ViewLength => Size * Size * 3;

    internal Span<float> QueryView(int slot) => Query.AsSpan(slot * ViewLength, ViewLength);

    internal Span<float> KeyView(int slot) => Key.AsSpan(slot * ViewLength, ViewLength);

    /// <summary>Removes the slots whose index is below 0.</summary>
    internal void Compact()
    {
        var kept = 0;
        for (var slot = 0; slot < Count; slot++)
        {
            if (Indices[slot] < 0)
            {
                continue;
            }

            if (kept < slot)
            {
                QueryView(slot).CopyTo(QueryView(kept));
                (Indices[kept], Labels[kept]) = (Indices[slot], Labels[slot]);
            }

            kept++;
        }

        if (kept < Count)
        {
            (Indices, Labels, Count) = (Indices[..kept], Labels[..kept], kept);
        }
    }
}

/// <summary>Arrays of disposed batches, for reuse. All batches of a pool have the same shape.</summary>
/// <param name="capacity">Images in a batch.</param>
/// <param name="size">Side of a view in pixels.</param>
/// <param name="hasKeys">Whether there is a second view.</param>
internal sealed class ViewBatchPool(int capacity, int size, bool hasKeys)
{
    private readonly ConcurrentBag<(float[] Query, float[] Key)> _free = [];
    private readonly int _length = checked(capacity * size * size * 3);

    public ViewBatch Rent(int count)
    {
        var (query, key) = _free.TryTake(out var arrays)
            ? arrays
            : (new float[_length], hasKeys ? new float[_length] : []);
        return new ViewBatch(this, count, size, query, key);
    }

    public void Return(float[] query, float[] key) => _free.Add((query, key));
}
