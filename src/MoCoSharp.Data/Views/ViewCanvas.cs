using System.Buffers;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;

namespace MoCoSharp.Data.Views;

/// <summary>A view that is being made: 8-bit RGB, HWC. The source image is never changed.</summary>
/// <remarks>
/// Buffers come from a pool and return to it on <see cref="Dispose"/>, so views leave no large garbage.
/// </remarks>
public sealed class ViewCanvas : IDisposable
{
    private ImageBuffer _source;
    private byte[]? _current;
    private byte[]? _spare;

    /// <summary>Creates a canvas that shows the source image, without a copy.</summary>
    /// <param name="source">The image. It must not change while the canvas exists.</param>
    public ViewCanvas(ImageBuffer source)
    {
        ArgumentNullException.ThrowIfNull(source);
        _source = source;
        Width = source.Width;
        Height = source.Height;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; private set; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; private set; }

    /// <summary>The pixels. Length Height x Width x 3.</summary>
    public ReadOnlySpan<byte> Pixels
    {
        get
        {
            TurnAround();
            return UnmirroredPixels;
        }
    }

    /// <summary>
    /// Whether left and right must still be swapped. Operations that treat left and right alike may leave this to the
    /// last step.
    /// </summary>
    internal bool IsMirrored { get; private set; }

    /// <summary>The pixels before they are mirrored, if <see cref="IsMirrored"/>.</summary>
    internal ReadOnlySpan<byte> UnmirroredPixels =>
        _current is null ? _source.AsSpan() : _current.AsSpan(0, Width * Height * 3);

    /// <summary>The vector width of the operations. It changes no pixel.</summary>
    internal VectorWidth Vectors { get; set; } = Kernels.Vectors.Best;

    /// <summary>The pixels, to be changed in place. Copies the source image on first use.</summary>
    public Span<byte> Edit()
    {
        TurnAround();
        return EditUnmirrored();
    }

    /// <summary>Swaps left and right, delayed until the pixels are needed.</summary>
    internal void Mirror() => IsMirrored = !IsMirrored;

    /// <summary>As <see cref="Edit"/>, for changes that treat left and right alike.</summary>
    internal Span<byte> EditUnmirrored()
    {
        if (_current is null)
        {
            _current = ArrayPool<byte>.Shared.Rent(Width * Height * 3);
            _source.AsSpan().CopyTo(_current);
        }

        return _current.AsSpan(0, Width * Height * 3);
    }

    /// <summary>
    /// A second buffer for the next picture, with undefined content. <see cref="Swap"/> shows it.
    /// </summary>
    /// <returns>Length height x width x 3. Valid until the next <see cref="Swap"/>.</returns>
    public Span<byte> Spare(int width, int height)
    {
        var length = checked(width * height * 3);
        if (_spare is null || _spare.Length < length)
        {
            Return(ref _spare);
            _spare = ArrayPool<byte>.Shared.Rent(length);
        }

        return _spare.AsSpan(0, length);
    }

    /// <summary>Shows the content of <see cref="Spare"/>.</summary>
    public void Swap(int width, int height)
    {
        if (_spare is null || _spare.Length < width * height * 3)
        {
            throw new InvalidOperationException(
                $"Swap to {width} x {height} without a spare buffer of that size. Call Spare({width}, {height}) first."
            );
        }

        (_current, _spare) = (_spare, _current);
        (Width, Height) = (width, height);
    }

    /// <summary>Shows another image, like a new canvas.</summary>
    internal void Show(ImageBuffer image)
    {
        Dispose();
        _source = image;
        Width = image.Width;
        Height = image.Height;
    }

    /// <summary>Returns the buffers to the pool.</summary>
    public void Dispose()
    {
        Return(ref _current);
        Return(ref _spare);
        IsMirrored = false;
    }

    private void TurnAround()
    {
        if (!IsMirrored)
        {
            return;
        }

        IsMirrored = false;
        var row = Width * 3;
        var from = UnmirroredPixels;
        var into = Spare(Width, Height);
        for (var at = 0; at < from.Length; at += row)
        {
            RowMirror.Copy(from.Slice(at, row), into.Slice(at, row), Vectors);
        }

        Swap(Width, Height);
    }

    private static void Return(ref byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = null;
        }
    }
}
