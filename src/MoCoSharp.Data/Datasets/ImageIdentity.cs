using System.IO.Hashing;
using System.Runtime.InteropServices;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Identifies an image by its content. Name, length and time of a file tell without reading that it is unchanged.
/// </summary>
/// <param name="Content">XxHash128 of the file or the pixels; 0 if the image cannot be read.</param>
/// <param name="Name">XxHash128 of the name in the data set.</param>
/// <param name="Length">Size of the file in bytes; -1 without a file, or if the file was written a moment ago.</param>
/// <param name="Written">Time of the last write, in ticks.</param>
internal readonly record struct ImageIdentity(UInt128 Content, UInt128 Name, long Length, long Written)
{
    /// <summary>Identifies every image, on all cores. Only new and changed files are read.</summary>
    /// <param name="data">The images.</param>
    /// <param name="known">Earlier identities by name.</param>
    /// <param name="progress">Called with the number of images done, on any thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>In the order of the images.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static ImageIdentity[] Of(
        IImageDataset data, IReadOnlyDictionary<UInt128, ImageIdentity> known, Action<int>? progress = null,
        CancellationToken cancellation = default)
    {
        var found = new ImageIdentity[data.Count];
        var done = 0;
        var parallel = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        Parallel.For(0, found.Length, parallel, i =>
        {
            found[i] = Of(data, i, known);
            progress?.Invoke(Interlocked.Increment(ref done));
        });
        return found;
    }

    private static ImageIdentity Of(IImageDataset data, int index, IReadOnlyDictionary<UInt128, ImageIdentity> known)
    {
        var name = XxHash128.HashToUInt128(MemoryMarshal.AsBytes(data.NameOf(index).AsSpan()));
        // The stamp is taken before the content is read: a file that changes meanwhile is read again the next time.
        var stamp = data is IImageFiles files ? FileStamp.Of(files.PathOf(index)) : null;
        var (length, written) = stamp is { IsSettled: true } settled
            ? (settled.Length, settled.Written.Ticks)
            : (-1L, 0L);
        return length >= 0 && known.TryGetValue(name, out var before)
            && before.Content != UInt128.Zero && (before.Length, before.Written) == (length, written)
                ? before
                : new ImageIdentity(ContentHash.OfImage(data, index), name, length, written);
    }
}
