using System.Buffers;
using System.Runtime.InteropServices;

namespace MoCoSharp.Data.Images;

/// <summary>A decoded image: 8-bit RGB, rows from the top, three bytes per pixel (HWC).</summary>
/// <remarks>
/// Dispose returns pooled memory to the pool; the image must not be read afterwards. An image that is not disposed is
/// garbage-collected like any object.
/// </remarks>
public sealed class ImageBuffer : IDisposable
{
    // Larger arrays are not pooled: the pool rounds sizes up to powers of two.
    private const int LargestPooled = 16 << 20;

    private readonly nint _address; // of pixels outside the managed heap, or 0
    private readonly SafeHandle? _owner; // of these pixels
    private readonly bool _isRented;
    private readonly int _offset; // of the first pixel in the array
    private byte[]? _array; // may be longer if rented

    /// <summary>Wraps an array of pixels. The caller must not use the array afterwards.</summary>
    /// <param name="width">Width in pixels, above 0.</param>
    /// <param name="height">Height in pixels, above 0.</param>
    /// <param name="pixels">RGB, row by row. Length height x width x 3.</param>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has another length.</exception>
    public ImageBuffer(int width, int height, byte[] pixels)
        : this(width, height)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.LongLength != 3L * width * height)
        {
            throw new ArgumentException(
                $"{pixels.LongLength} bytes for an RGB image of {width} x {height}: expected {3L * width * height}.",
                nameof(pixels));
        }

        _array = pixels;
    }

    private ImageBuffer(int width, int height, byte[] rented, bool isRented)
        : this(width, height)
    {
        _array = rented;
        _isRented = isRented;
    }

    /// <summary>Wraps a part of an array that is no longer written to.</summary>
    internal ImageBuffer(int width, int height, byte[] pixels, int offset)
        : this(width, height)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + (3L * width * height), pixels.LongLength);
        _array = pixels;
        _offset = offset;
    }

    /// <summary>Wraps memory that is there until <paramref name="owner"/> is disposed.</summary>
    internal ImageBuffer(int width, int height, nint address, SafeHandle owner)
        : this(width, height)
    {
        _address = address;
        _owner = owner;
    }

    private ImageBuffer(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        Width = width;
        Height = height;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>
    /// The pixels as an array: RGB, HWC. Length Height x Width x 3. Copies borrowed memory; see <see cref="AsSpan"/>.
    /// </summary>
    public byte[] Pixels
    {
        get
        {
            var pixels =
                _array is { } array && array.Length == Length && !_isRented ? array : AsSpan().ToArray();
            GC.KeepAlive(this);
            return pixels;
        }
    }

    private int Length => 3 * Width * Height;

    /// <summary>
    /// The pixels without a copy: RGB, HWC. Length Height x Width x 3. Refer to the image as long as they are used, for
    /// example by `using`.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The image, or the data set with its pixels, is disposed.</exception>
    public unsafe ReadOnlySpan<byte> AsSpan() => _owner switch
    {
        null => (_array ?? throw new ObjectDisposedException(nameof(ImageBuffer))).AsSpan(_offset, Length),
        { IsClosed: true } => throw new ObjectDisposedException(
            nameof(ImageBuffer), "The data set of this image is disposed, and its pixels were there."),
        _ => new ReadOnlySpan<byte>((void*)_address, Length),
    };

    /// <summary>Returns pooled memory to the pool.</summary>
    public void Dispose()
    {
        if (_isRented && Interlocked.Exchange(ref _array, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        GC.KeepAlive(_owner);
    }

    /// <summary>Rents memory for an image. The content is undefined.</summary>
    internal static ImageBuffer Rent(int width, int height)
    {
        var length = checked(3 * width * height);
        return length <= LargestPooled
            ? new ImageBuffer(width, height, ArrayPool<byte>.Shared.Rent(length), isRented: true)
            : new ImageBuffer(width, height, GC.AllocateUninitializedArray<byte>(length));
    }

    /// <summary>The pixels of a rented image, to be written before the image is shared.</summary>
    internal Span<byte> Write() => _array.AsSpan(0, Length);
}

/// <summary>An image could not be read. The message names the image and the reason.</summary>
public sealed class BrokenImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>
    /// Whether another try may succeed: the file is missing, the disk or the network failed, or too many files were
    /// open. False if the file was read and is not an image.
    /// </summary>
    public bool MayPass { get; init; }
}
