using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>How images of a detection are scaled and mirrored.</summary>
public sealed record DetectionViewOptions
{
    /// <summary>Lengths of the shorter side to draw from in training, in pixels.</summary>
    /// <value>480 to 800 by 32, as the VOC protocol; COCO's begin at 640.</value>
    public IReadOnlyList<int> ShortSides { get; init; } = [.. Enumerable.Range(0, 11).Select(i => 480 + (32 * i))];

    /// <summary>Length of the shorter side while testing, in pixels.</summary>
    /// <value>800.</value>
    public int TestShortSide { get; init; } = 800;

    /// <summary>The longer side is at most so long, in pixels; the shorter one gives way.</summary>
    /// <value>1333.</value>
    public int LongestSide { get; init; } = 1333;

    /// <summary>Whether half of the training images are mirrored.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (ShortSides.Count == 0 || ShortSides.Any(side => side is < 16 or > 8192))
        {
            yield return $"views.shortSides is [{string.Join(", ", ShortSides)}], expected lengths of 16 to 8192 " +
                "pixels. The protocol draws from 480 to 800 by 32.";
        }

        if (TestShortSide is < 16 or > 8192)
        {
            yield return $"views.testShortSide is {TestShortSide}, expected 16 to 8192 pixels. The protocol uses 800.";
        }

        if (LongestSide is < 16 or > 16_384)
        {
            yield return $"views.longestSide is {LongestSide}, expected 16 to 16384 pixels. The protocol uses 1333.";
        }
    }
}

/// <summary>An image as a network sees it, and its boxes.</summary>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Boxes">In pixels of this size.</param>
/// <param name="Pixels">RGB, normalised, HWC. Length Height x Width x 3.</param>
internal sealed record DetectionView(int Width, int Height, IReadOnlyList<ObjectBox> Boxes, float[] Pixels)
{
    private const double SmallestSide = 1e-5; // pixels; a box that a resize made thinner is none, as in detectron2

    /// <summary>
    /// Scales an image so that its shorter side has a length, and its longer one at most another, perhaps mirrors it,
    /// and normalises.
    /// </summary>
    /// <param name="image">The pixels.</param>
    /// <param name="boxes">In its pixels.</param>
    /// <param name="shortSide">Wanted, in pixels.</param>
    /// <param name="longestSide">Allowed, in pixels.</param>
    /// <param name="isMirrored">Left for right.</param>
    /// <param name="normalize">Mean and deviation.</param>
    /// <remarks>
    /// PIL's antialiased bilinear resize; sizes are rounded to the nearest, as in detectron2's ResizeShortestEdge.
    /// </remarks>
    public static DetectionView Of(
        ImageBuffer image, IReadOnlyList<ObjectBox> boxes, int shortSide, int longestSide, bool isMirrored,
        Normalize normalize)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(normalize);
        var (width, height) = SizeOf(image.Width, image.Height, shortSide, longestSide);
        var bytes = new byte[3 * width * height];
        Resampling.Resize(
            image.AsSpan(), 3 * image.Width, image.Width, image.Height, bytes, width, height, Vectors.Best);
        if (isMirrored)
        {
            Mirror(bytes, width, height);
        }

        var pixels = new float[bytes.Length];
        normalize.Apply(bytes, pixels);
        return new DetectionView(
            width,
            height,
            [.. Scaled(boxes, width / (double)image.Width, height / (double)image.Height, isMirrored, width)],
            pixels);
    }

    /// <summary>The size of an image after that.</summary>
    public static (int Width, int Height) SizeOf(int width, int height, int shortSide, int longestSide)
    {
        var scale = shortSide / (double)Math.Min(width, height);
        scale = Math.Min(scale, longestSide / (double)Math.Max(width, height));
        return (Math.Max(1, (int)((width * scale) + 0.5)), Math.Max(1, (int)((height * scale) + 0.5)));
    }

    private static IEnumerable<ObjectBox> Scaled(
        IReadOnlyList<ObjectBox> boxes, double scaleX, double scaleY, bool isMirrored, int width)
    {
        foreach (var box in boxes)
        {
            var (left, right) = (box.Left * scaleX, box.Right * scaleX);
            var scaled = box with
            {
                Left = isMirrored ? width - right : left,
                Right = isMirrored ? width - left : right,
                Top = box.Top * scaleY,
                Bottom = box.Bottom * scaleY,
            };
            if (scaled.Width > SmallestSide && scaled.Height > SmallestSide)
            {
                yield return scaled;
            }
        }
    }

    private static void Mirror(Span<byte> pixels, int width, int height)
    {
        for (var y = 0; y < height; y++)
        {
            var row = pixels.Slice(3 * y * width, 3 * width);
            row.Reverse(); // pixels from the right, and their channels too
            for (var x = 0; x < row.Length; x += 3)
            {
                (row[x], row[x + 2]) = (row[x + 2], row[x]);
            }
        }
    }
}
