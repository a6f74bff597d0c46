using System.Buffers;

namespace MoCoSharp.Data.Images;

/// <summary>The bytes of an image file before decoding, in pooled memory. Dispose returns the memory.</summary>
internal readonly struct EncodedImage : IDisposable
{
    // Larger arrays are not pooled.
    private const int LargestPooled = 16 << 20;

    private readonly byte[] _bytes;
    private readonly int _length;
    private readonly string _name;

    /// <summary>Rents memory for a file; <see cref="Fill"/> fills it.</summary>
    /// <param name="length">Bytes, 0 to <see cref="ImageDecoder.LargestFileBytes"/>.</param>
    /// <param name="name">Name in messages.</param>
    public EncodedImage(int length, string name)
    {
        _length = length;
        _name = name;
        _bytes = length <= LargestPooled ? ArrayPool<byte>.Shared.Rent(length) : new byte[length];
    }

    /// <summary>The bytes of the file.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Name in messages.</summary>
    public string Name => _name;

    /// <summary>Reads a file from the disk.</summary>
    /// <param name="path">A regular file. Anything else is refused at once, without blocking.</param>
    /// <exception cref="BrokenImageException">The file cannot be read.</exception>
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
    /// Whether an error of opening or reading may pass: an error of disk, network or permissions, not a wrong kind of
    /// file.
    /// </summary>
    public static bool MayPass(Exception error) =>
        error is IOException and not NoFileException or UnauthorizedAccessException;

    /// <summary>Decodes the image.</summary>
    /// <exception cref="BrokenImageException">
    /// The file is not a whole image of a supported format, or is too large.
    /// </exception>
    public ImageBuffer Decode(in DecodeRequest request) => ImageDecoder.Decode(Bytes, _name, request);

    /// <summary>Fills the memory from an offset of a source. Returns the memory if that fails.</summary>
    /// <exception cref="BrokenImageException">The source is too short.</exception>
    public void Fill<T>(T source, long offset)
        where T : IByteSource
    {
        var done = 0;
        try
        {
            while (done < _length)
            {
                var read = source.Read(_bytes.AsSpan(done, _length - done), offset + done);
                if (read == 0)
                {
                    throw new BrokenImageException(
                        $"{_name}: ended after {done} of {_length} bytes; is it being written?")
                    {
                        MayPass = true,
                    };
                }

                done += read;
            }
        }
        finally
        {
            if (done < _length)
            {
                Dispose();
            }
        }
    }

    /// <summary>Returns the memory to the pool.</summary>
    public void Dispose()
    {
        if (_length <= LargestPooled)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }
    }
}

/// <summary>A set of image files on the disk.</summary>
internal interface IImageFiles
{
    /// <summary>The path of a file.</summary>
    string PathOf(int index);
}

/// <summary>A set of image files, on the disk or elsewhere.</summary>
internal interface IEncodedImages
{
    /// <summary>The bytes of one file.</summary>
    /// <exception cref="BrokenImageException">The file cannot be read.</exception>
    EncodedImage ReadEncoded(int index);
}
