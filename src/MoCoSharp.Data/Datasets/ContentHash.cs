using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A hash of the content of a set, independent of its path.</summary>
/// <remarks>
/// It covers the images in their order, the labels and the class names. Files are hashed without decoding, so the
/// same pixels in another file format have another hash.
/// </remarks>
internal static class ContentHash
{
    /// <summary>Reads every image once, on all cores.</summary>
    /// <param name="data">The images. An unreadable image counts as unreadable.</param>
    /// <param name="progress">Called with the number of images done, on any thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>SHA-256 over the images' XxHash128, labels and class names, in hexadecimal.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
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
            hash.AppendData([0]); // separates the names, which hold no NUL
        }

        hash.AppendData([0]);
        hash.AppendData(MemoryMarshal.AsBytes<int>([.. Enumerable.Range(0, data.Count).Select(data.LabelOf)]));
        hash.AppendData(MemoryMarshal.AsBytes(images.AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>XxHash128 of an image's file or pixels; 0 if it cannot be read.</summary>
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
