using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>What a set holds, wherever it lies: equal where images, their order, labels and classes are.</summary>
/// <remarks>
/// Files are hashed as they are, without decoding: the same pixels in another file format are another content.
/// </remarks>
internal static class ContentHash
{
    /// <summary>Reads every image once, on all cores.</summary>
    /// <param name="data">The images. One that cannot be read counts as that.</param>
    /// <param name="progress">Told the number of images done, from any thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>SHA-256 over the images' XxHash128, labels and class names, in hexadecimal.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static string Of(IImageDataset data, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var images = new UInt128[data.Count];
        var done = 0;
        Parallel.For(
            0,
            images.Length,
            new ParallelOptions
            {
                CancellationToken = cancellation,
                MaxDegreeOfParallelism = Environment.ProcessorCount,
            },
            i =>
        {
            images[i] = OfImage(data, i);
            progress?.Invoke(Interlocked.Increment(ref done));
        });

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in data.ClassNames)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            hash.AppendData([0]); // a name holds no NUL: where one ends and the next begins is told apart
        }

        hash.AppendData([0]);
        hash.AppendData(MemoryMarshal.AsBytes<int>([.. Enumerable.Range(0, data.Count).Select(data.LabelOf)]));
        hash.AppendData(MemoryMarshal.AsBytes(images.AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>XxHash128 of one image's file, or of its pixels; 0 where it cannot be read.</summary>
    internal static UInt128 OfImage(IImageDataset data, int index)
    {
        try
        {
            if (data is IEncodedImages files)
            {
                using var file = files.ReadEncoded(index);
                return XxHash128.HashToUInt128(file.Bytes);
            }

            using var image = data.Read(index).Image;
            return XxHash128.HashToUInt128(image.Pixels, ((long)image.Width << 32) | (uint)image.Height);
        }
        catch (BrokenImageException)
        {
            return UInt128.Zero;
        }
    }
}
