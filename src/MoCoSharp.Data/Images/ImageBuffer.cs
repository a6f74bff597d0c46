namespace MoCoSharp.Data.Images;

/// <summary>A decoded image: 8-bit RGB, rows from the top, three bytes a pixel (HWC).</summary>
public sealed class ImageBuffer
{
    /// <summary>Wraps pixels that the caller hands over.</summary>
    /// <param name="width">In pixels, above 0.</param>
    /// <param name="height">In pixels, above 0.</param>
    /// <param name="pixels">RGB, row by row. Length height x width x 3.</param>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has another length.</exception>
    public ImageBuffer(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.LongLength != 3L * width * height)
        {
            throw new ArgumentException($"{pixels.LongLength} bytes for an RGB image of {width} x {height}: expected {3L * width * height}.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>In pixels.</summary>
    public int Width { get; }

    /// <summary>In pixels.</summary>
    public int Height { get; }

    /// <summary>RGB, HWC. Length Height x Width x 3.</summary>
    public byte[] Pixels { get; }
}

/// <summary>An image could not be read; the message names it and says why.</summary>
public sealed class BrokenImageException(string message, Exception? inner = null) : Exception(message, inner);
