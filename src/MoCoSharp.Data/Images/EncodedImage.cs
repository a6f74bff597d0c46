using System.Buffers;

namespace MoCoSharp.Data.Images;

/// <summary>
/// The bytes of an image file, not yet decoded, in memory that is lent to the next one when it is disposed.
/// </summary>
internal readonly struct EncodedImage : IDisposable
{
    // Larger arrays are not kept for the next file.
    private const int LargestPooled = 16 << 20;

    private readonly byte[] bytes;
    private readonly int length;
    private readonly string name;

    /// <summary>Memory for a file, to be filled by <see cref="Fill"/>.</summary>
    /// <param name="length">Bytes, 0 to <see cref="ImageDecoder.LargestFileBytes"/>.</param>
    /// <param name="name">What messages call it.</param>
    public EncodedImage(int length, string name)
    {
        this.length = length;
        this.name = name;
        bytes = length <= LargestPooled ? ArrayPool<byte>.Shared.Rent(length) : new byte[length];
    }

    /// <summary>The file.</summary>
    public ReadOnlySpan<byte> Bytes => bytes.AsSpan(0, length);

    /// <summary>What messages call it.</summary>
    public string Name => name;

    /// <summary>Reads a file of the disk.</summary>
    /// <param name="path">A regular file; anything else is refused without waiting for it.</param>
    /// <exception cref="BrokenImageException">It cannot be read.</exception>
    public static EncodedImage Read(string path)
    {
        try
        {
            using var source = LocalBytes.Open(path);
            var size = source.Length;
            if (size > ImageDecoder.LargestFileBytes)
            {
                throw new BrokenImageException(
                    $"{path}: {size} bytes, expected at most {ImageDecoder.LargestFileBytes}.");
            }

            var file = new EncodedImage((int)size, path);
            file.Fill(source, 0);
            return file;
        }
        catch (Exception error)
            when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new BrokenImageException($"{path}: {error.Message}", error) { MayPass = MayPass(error) };
        }
    }

    /// <summary>
    /// Whether a fault of opening or reading may pass: one of disk, network or rights, not of what the name leads to.
    /// </summary>
    public static bool MayPass(Exception error) =>
        error is IOException and not NoFileException or UnauthorizedAccessException;

    /// <summary>Decodes it.</summary>
    /// <exception cref="BrokenImageException">It is not a whole image of a known kind, or too large.</exception>
    public ImageBuffer Decode(in DecodeRequest request) => ImageDecoder.Decode(Bytes, name, request);

    /// <summary>Fills the memory from a place on; gives it back where that fails.</summary>
    /// <exception cref="BrokenImageException">The source ends before.</exception>
    public void Fill<T>(T source, long offset)
        where T : IByteSource
    {
        var done = 0;
        try
        {
            while (done < length)
            {
                var read = source.Read(bytes.AsSpan(done, length - done), offset + done);
                if (read == 0)
                {
                    throw new BrokenImageException(
                        $"{name}: ended after {done} of {length} bytes; is it being written?")
                    {
                        MayPass = true,
                    };
                }

                done += read;
            }
        }
        finally
        {
            if (done < length)
            {
                Dispose();
            }
        }
    }

    /// <summary>Lends the memory to the next file.</summary>
    public void Dispose()
    {
        if (length <= LargestPooled)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}

/// <summary>A set of image files on the disk.</summary>
internal interface IImageFiles
{
    /// <summary>Where a file lies.</summary>
    string PathOf(int index);
}

/// <summary>A set of image files, wherever they lie.</summary>
internal interface IEncodedImages
{
    /// <summary>One file as it is.</summary>
    /// <exception cref="BrokenImageException">It cannot be read.</exception>
    EncodedImage ReadEncoded(int index);
}
