using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>How images are scaled and flipped for detection.</summary>
public sealed record DetectionViewOptions
{
    /// <summary>Lengths of the shorter side to draw from in training, in pixels.</summary>
    /// <value>Default 480 to 800 in steps of 32, as in the VOC protocol. COCO's begin at 640.</value>
    public IReadOnlyList<int> ShortSides { get; init; } = [.. Enumerable.Range(0, 11).Select(i => 480 + (32 * i))];

    /// <summary>Length of the shorter side in tests, in pixels.</summary>
    /// <value>Default 800.</value>
    public int TestShortSide { get; init; } = 800;

    /// <summary>Maximum length of the longer side, in pixels. It takes precedence over the shorter side.</summary>
    /// <value>Default 1333.</value>
    public int LongestSide { get; init; } = 1333;

    /// <summary>Whether half of the training images are flipped.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
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

/// <summary>A scaled image and its boxes.</summary>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Boxes">Boxes in pixels of this size.</param>
/// <param name="Pixels">RGB, normalized, HWC. Length Height x Width x 3.</param>
internal sealed record DetectionView(int Width, int Height, IReadOnlyList<ObjectBox> Boxes, float[] Pixels)
{
    private const double SmallestSide = 1e-5; // pixels; thinner boxes are dropped, as in detectron2

    /// <summary>
    /// Scales an image to a given shorter side and a maximum longer side, optionally flips it, and normalizes it.
    /// </summary>
    /// <param name="image">The pixels.</param>
    /// <param name="boxes">Boxes in pixels of the image.</param>
    /// <param name="shortSide">Length of the shorter side, in pixels.</param>
    /// <param name="longestSide">Maximum length of the longer side, in pixels.</param>
    /// <param name="isMirrored">Whether left and right are swapped.</param>
    /// <param name="normalize">Mean and standard deviation.</param>
    /// <remarks>
    /// PIL's antialiased bilinear resize. Sizes are rounded to nearest, as in detectron2's ResizeShortestEdge.
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

    /// <summary>The size of a scaled image.</summary>
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
            row.Reverse(); // reverses the pixels, and their channels too
            for (var x = 0; x < row.Length; x += 3)
            {
                (row[x], row[x + 2]) = (row[x + 2], row[x]);
            }
        }
    }
}
