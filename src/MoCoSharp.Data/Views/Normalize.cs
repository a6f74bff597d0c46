using System.Buffers;
using MoCoSharp.Data.Kernels;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Converts bytes to floats: (x / 255 - mean) / std for each channel.</summary>
public sealed class Normalize
{
    private readonly float[] _mean;
    private readonly float[] _std;
    private readonly float[] _table = new float[3 * 256];
    private readonly NormalizeLanes _lanes;

    /// <summary>Creates the conversion from the mean and standard deviation of red, green and blue.</summary>
    /// <param name="mean">Mean of values in 0 to 1. Length 3.</param>
    /// <param name="std">Standard deviation of values in 0 to 1, above 0. Length 3.</param>
    /// <exception cref="ArgumentException">There are not three values each, or a deviation is 0 or less.</exception>
    public Normalize(ReadOnlySpan<float> mean, ReadOnlySpan<float> std)
    {
        if (mean.Length != 3 || std.Length != 3 || !(std[0] > 0 && std[1] > 0 && std[2] > 0))
        {
            throw new ArgumentException(
                $"Mean of {mean.Length} and std of {std.Length} values: expected 3 each (red, green, blue), the std " +
                "above 0.");
        }

        _mean = mean.ToArray();
        _std = std.ToArray();
        for (var i = 0; i < _table.Length; i++)
        {
            _table[i] = ((i % 256 / 255f) - mean[i / 256]) / std[i / 256];
        }

        _lanes = new NormalizeLanes(mean, std, _table);
    }

    /// <summary>Mean of red, green and blue, on a scale of 0 to 1. Length 3.</summary>
    public IReadOnlyList<float> Mean => _mean;

    /// <summary>Standard deviation of red, green and blue, on a scale of 0 to 1. Length 3.</summary>
    public IReadOnlyList<float> Std => _std;

    /// <summary>The pixel value, 0 to 255, of a normalized value, to show an image.</summary>
    /// <param name="value">The normalized value.</param>
    /// <param name="channel">0 red, 1 green, 2 blue.</param>
    public byte Invert(float value, int channel) =>
        (byte)Math.Clamp(Math.Round(((value * _std[channel]) + _mean[channel]) * 255), 0, 255);

    /// <summary>Normalizes RGB pixels in order.</summary>
    /// <param name="pixels">Bytes, HWC.</param>
    /// <param name="floats">Floats, HWC, of the same length.</param>
    public void Apply(ReadOnlySpan<byte> pixels, Span<float> floats) => Apply(pixels, floats, Vectors.Best);

    internal void Apply(ReadOnlySpan<byte> pixels, Span<float> floats, VectorWidth vectors)
    {
        var red = _table.AsSpan(0, 256);
        var green = _table.AsSpan(256, 256);
        var blue = _table.AsSpan(512, 256);
        for (var i = _lanes.Apply(pixels, floats, vectors); i + 2 < pixels.Length && i + 2 < floats.Length; i += 3)
        {
            floats[i] = red[pixels[i]];
            floats[i + 1] = green[pixels[i + 1]];
            floats[i + 2] = blue[pixels[i + 2]];
        }
    }

    /// <summary>Normalizes the pixels of a canvas. A mirrored canvas is reversed row by row.</summary>
    internal void Apply(ViewCanvas canvas, Span<float> floats)
    {
        if (!canvas.IsMirrored)
        {
            Apply(canvas.UnmirroredPixels, floats, canvas.Vectors);
            return;
        }

        var length = 3 * canvas.Width;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        var row = buffer.AsSpan(0, length);
        for (var y = 0; y < canvas.Height; y++)
        {
            RowMirror.Copy(canvas.UnmirroredPixels.Slice(y * length, length), row, canvas.Vectors);
            Apply(row, floats.Slice(y * length, length), canvas.Vectors);
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>The values in one line.</summary>
    public string Describe() =>
        Invariant($"normalize by mean {_mean[0]} {_mean[1]} {_mean[2]}, std {_std[0]} {_std[1]} {_std[2]}");
}
