using System.Buffers;

namespace MoCoSharp.Data.Images;

/// <summary>A decoded image: 8-bit RGB, rows from the top, three bytes a pixel (HWC).</summary>
/// <remarks>
/// Disposing it lends its memory to the next image, where it came from a pool; an image that nobody disposes is
/// collected like any object. After that, and only after that, it must not be read.
/// </remarks>
public sealed class ImageBuffer : IDisposable
{
    // Larger arrays are not kept for the next image: the pool rounds up to powers of two.
    private const int LargestPooled = 16 << 20;

    private readonly nint address; // of pixels that lie outside the managed heap, or 0
    private readonly object? owner; // keeps them there
    private readonly bool isRented;
    private readonly int offset; // of the first pixel in the array
    private byte[]? array; // may be longer, if rented

    /// <summary>Wraps pixels that the caller hands over.</summary>
    /// <param name="width">In pixels, above 0.</param>
    /// <param name="height">In pixels, above 0.</param>
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

        array = pixels;
    }

    private ImageBuffer(int width, int height, byte[] rented, bool isRented)
        : this(width, height)
    {
        array = rented;
        this.isRented = isRented;
    }

    /// <summary>Shows a part of an array that nobody writes to any more.</summary>
    internal ImageBuffer(int width, int height, byte[] pixels, int offset)
        : this(width, height)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + (3L * width * height), pixels.LongLength);
        array = pixels;
        this.offset = offset;
    }

    /// <summary>Shows memory that <paramref name="owner"/> keeps in place.</summary>
    internal ImageBuffer(int width, int height, nint address, object owner)
        : this(width, height)
    {
        this.address = address;
        this.owner = owner;
    }

    private ImageBuffer(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        Width = width;
        Height = height;
    }

    /// <summary>In pixels.</summary>
    public int Width { get; }

    /// <summary>In pixels.</summary>
    public int Height { get; }

    /// <summary>
    /// RGB, HWC, as an array of its own. Length Height x Width x 3. Makes a copy where the memory is borrowed: see
    /// <see cref="AsSpan"/>.
    /// </summary>
    public byte[] Pixels => array is { } pixels && pixels.Length == Length && !isRented ? pixels : AsSpan().ToArray();

    private int Length => 3 * Width * Height;

    /// <summary>RGB, HWC, without a copy. Length Height x Width x 3.</summary>
    /// <exception cref="ObjectDisposedException">The image is disposed.</exception>
    public unsafe ReadOnlySpan<byte> AsSpan() => address != 0
        ? new ReadOnlySpan<byte>((void*)address, Length)
        : (array ?? throw new ObjectDisposedException(nameof(ImageBuffer))).AsSpan(offset, Length);

    /// <summary>Lends the memory to the next image.</summary>
    public void Dispose()
    {
        if (isRented && Interlocked.Exchange(ref array, null) is { } rented)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        GC.KeepAlive(owner);
    }

    /// <summary>Memory for an image to be written, with undefined content.</summary>
    internal static ImageBuffer Rent(int width, int height)
    {
        var length = checked(3 * width * height);
        return length <= LargestPooled
            ? new ImageBuffer(width, height, ArrayPool<byte>.Shared.Rent(length), isRented: true)
            : new ImageBuffer(width, height, GC.AllocateUninitializedArray<byte>(length));
    }

    /// <summary>The pixels of a rented image, to be written before anybody else sees it.</summary>
    internal Span<byte> Write() => array.AsSpan(0, Length);
}

/// <summary>An image could not be read; the message names it and says why.</summary>
public sealed class BrokenImageException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>
    /// Whether another try may succeed: the file is not there, the disk or the network failed, or too many files were
    /// open. False where it was read and is no image.
    /// </summary>
    public bool MayPass { get; init; }
}
