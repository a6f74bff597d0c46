using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>The place of a crop in an image, in pixels.</summary>
/// <param name="Top">First row.</param>
/// <param name="Left">First column.</param>
/// <param name="Height">Above 0.</param>
/// <param name="Width">Above 0.</param>
internal readonly record struct CropDraw(int Top, int Left, int Height, int Width);

/// <summary>Crops a random part of the image and resizes it to a square.</summary>
/// <param name="size">Side of the result, in pixels, above 0.</param>
/// <param name="scaleMin">Smallest share of the image's area, above 0.</param>
/// <param name="scaleMax">Largest share of the image's area, at most 1.</param>
/// <remarks>
/// torchvision's RandomResizedCrop on PIL images: aspect ratio log-uniform in 3/4 to 4/3, antialiased bilinear resize.
/// </remarks>
internal sealed class RandomResizedCrop(int size, double scaleMin, double scaleMax = 1) : IViewOperation
{
    private const double RatioMin = 3.0 / 4, RatioMax = 4.0 / 3;
    private const int Tries = 10;

    private readonly int _size =
        size > 0
            ? size
            : throw new ArgumentOutOfRangeException(nameof(size), size, "Expected a crop of at least 1 pixel.");

    private readonly double _scaleMin = scaleMin > 0 && scaleMin <= scaleMax && scaleMax <= 1
        ? scaleMin
        : throw new ArgumentOutOfRangeException(
            nameof(scaleMin),
            Invariant($"The crop's share of the area goes from {scaleMin} to {scaleMax}: ") +
            "expected 0 < min <= max <= 1. MoCo uses 0.2 to 1.");

    /// <summary>Draws a crop inside the image.</summary>
    /// <param name="width">Width of the image, in pixels.</param>
    /// <param name="height">Height of the image, in pixels.</param>
    /// <param name="random">The random stream of the view.</param>
    public CropDraw Draw(int width, int height, ref SampleRandom random)
    {
        var area = (double)width * height;
        for (var i = 0; i < Tries; i++)
        {
            var target = area * random.NextDouble(_scaleMin, scaleMax);
            var ratio = Math.Exp(random.NextDouble(Math.Log(RatioMin), Math.Log(RatioMax)));
            var cropWidth = (int)Math.Round(Math.Sqrt(target * ratio));
            var cropHeight = (int)Math.Round(Math.Sqrt(target / ratio));
            if (cropWidth > 0 && cropWidth <= width && cropHeight > 0 && cropHeight <= height)
            {
                var top = random.NextInt(height - cropHeight + 1);
                var left = random.NextInt(width - cropWidth + 1);
                return new CropDraw(top, left, cropHeight, cropWidth);
            }
        }

        return Central(width, height);
    }

    /// <summary>Crops, then resizes. Pixels outside the crop do not contribute.</summary>
    public void Apply(ViewCanvas canvas, CropDraw draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        var stride = canvas.Width * 3;
        var region = canvas.Pixels[((draw.Top * stride) + (draw.Left * 3))..];
        Resampling.Resize(
            region, stride, draw.Width, draw.Height, canvas.Spare(_size, _size), _size, _size, canvas.Vectors);
        canvas.Swap(_size, _size);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        Apply(canvas, Draw(canvas.Width, canvas.Height, ref random));
    }

    /// <inheritdoc/>
    public string Describe() =>
        Invariant($"random resized crop to {_size} x {_size}, area {_scaleMin} to {scaleMax}, ratio 3/4 to 4/3");

    // If no try fits: the largest central crop with an allowed ratio.
    private static CropDraw Central(int width, int height)
    {
        var ratio = (double)width / height;
        var cropWidth = ratio > RatioMax ? (int)Math.Round(height * RatioMax) : width;
        var cropHeight = ratio < RatioMin ? (int)Math.Round(width / RatioMin) : height;
        return new CropDraw((height - cropHeight) / 2, (width - cropWidth) / 2, cropHeight, cropWidth);
    }
}
