using System.Collections.Concurrent;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Views of a batch of images in plain memory. Dispose it when its pixels are copied: the next batches reuse the
/// arrays.
/// </summary>
public sealed class ViewBatch : IDisposable
{
    private readonly ViewBatchPool pool;
    private readonly SortedList<int, BadImage> leftOut = []; // by slot
    private float[]? query;
    private float[]? key;

    internal ViewBatch(ViewBatchPool pool, int count, int size, float[] query, float[] key)
    {
        this.pool = pool;
        this.query = query;
        this.key = key;
        Count = count;
        Size = size;
        Indices = new int[count];
        Labels = new int[count];
    }

    /// <summary>Images in this batch, N; of this rank alone where there are several.</summary>
    public int Count { get; private set; }

    /// <summary>Side of a view in pixels, H and W.</summary>
    public int Size { get; }

    /// <summary>First view of each image. Shape [N, H, W, 3], row-major; the array may be longer.</summary>
    /// <exception cref="ObjectDisposedException">The batch is disposed.</exception>
    public float[] Query => query ?? throw new ObjectDisposedException(nameof(ViewBatch));

    /// <summary>
    /// Second view of each image. Shape [N, H, W, 3], row-major; the array may be longer. Empty where one view was
    /// asked for, and in evaluation.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The batch is disposed.</exception>
    public float[] Key => key ?? throw new ObjectDisposedException(nameof(ViewBatch));

    /// <summary>Index in the data set of each image that is really there, stand-ins included. Shape [N].</summary>
    public int[] Indices { get; private set; }

    /// <summary>Label of each image, -1 where there is none. Shape [N].</summary>
    public int[] Labels { get; private set; }

    /// <summary>
    /// The images whose turn it was here and that could not be read, in the order of their turns. Another one stands in
    /// for each, or none.
    /// </summary>
    public IReadOnlyList<BadImage> LeftOut => [.. leftOut.Values];

    /// <summary>Seconds that the consumer waited for this batch.</summary>
    public double WaitSeconds { get; internal set; }

    /// <summary>Gives the arrays back to the loader.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref query, null) is { } first && Interlocked.Exchange(ref key, null) is { } second)
        {
            pool.Return(first, second);
        }
    }

    internal void LeaveOut(int slot, BadImage bad)
    {
        lock (leftOut)
        {
            leftOut[slot] = bad;
        }
    }

    internal int ViewLength => Size * Size * 3;

    internal Span<float> QueryView(int slot) => Query.AsSpan(slot * ViewLength, ViewLength);

    internal Span<float> KeyView(int slot) => Key.AsSpan(slot * ViewLength, ViewLength);

    /// <summary>Closes the gaps of slots whose index is below 0.</summary>
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

/// <summary>The arrays of batches that are done with. All batches of a pool have the same shape.</summary>
/// <param name="capacity">Images in a batch.</param>
/// <param name="size">Side of a view in pixels.</param>
/// <param name="hasKeys">Whether there is a second view.</param>
internal sealed class ViewBatchPool(int capacity, int size, bool hasKeys)
{
    private readonly ConcurrentBag<(float[] Query, float[] Key)> free = [];
    private readonly int length = checked(capacity * size * size * 3);

    public ViewBatch Rent(int count)
    {
        var (query, key) = free.TryTake(out var arrays)
            ? arrays
            : (new float[length], hasKeys ? new float[length] : []);
        return new ViewBatch(this, count, size, query, key);
    }

    public void Return(float[] query, float[] key) => free.Add((query, key));
}
