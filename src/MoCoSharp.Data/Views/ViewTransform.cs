using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Views;

/// <summary>
/// Makes views of images: operations in order, then normalization. A pure function of image and random stream.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ViewTransform
{
    [ThreadStatic]
    private static ViewCanvas? _threadsOwn;

    private readonly Normalize _normalize;
    private readonly IViewOperation[] _operations; // enumerating an array allocates nothing

    /// <summary>Creates a transform from its steps.</summary>
    /// <param name="size">Side of the view after the operations, in pixels.</param>
    /// <param name="operations">In order of application.</param>
    /// <param name="normalize">The last step.</param>
    public ViewTransform(int size, IReadOnlyList<IViewOperation> operations, Normalize normalize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentNullException.ThrowIfNull(operations);
        ArgumentNullException.ThrowIfNull(normalize);
        Size = size;
        _operations = [.. operations];
        _normalize = normalize;
    }

    /// <summary>Side of a view, in pixels.</summary>
    public int Size { get; }

    /// <summary>The steps before normalization, in order of application.</summary>
    public IReadOnlyList<IViewOperation> Operations => _operations;

    /// <summary>The last step.</summary>
    public Normalize Normalize => _normalize;

    /// <summary>Whether images are rotated by their EXIF orientation.</summary>
    public bool AppliesOrientation { get; init; }

    /// <summary>Whether a JPEG is decoded at a smaller size if its crops stay at least as large as the view.</summary>
    public bool DecodesSmaller { get; init; }

    /// <summary>How to decode the image for these views.</summary>
    /// <param name="decoder">The library that decodes JPEG.</param>
    /// <param name="first">The stream of one view.</param>
    /// <param name="second">The stream of the other view of the same image.</param>
    public DecodeRequest Request(JpegDecoder decoder, SampleRandom first, SampleRandom second) => new()
    {
        Jpeg = decoder,
        AppliesOrientation = AppliesOrientation,
        AcceptsReducedSize = DecodesSmaller ? SmallerThat(first, second) : null,
    };

    /// <summary>Makes one view.</summary>
    /// <param name="source">The image. It is not changed.</param>
    /// <param name="random">The random stream of the view.</param>
    /// <param name="pixels">Written: the view, HWC. Length Size x Size x 3.</param>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has another length.</exception>
    public void Write(ImageBuffer source, ref SampleRandom random, Span<float> pixels)
    {
        if (pixels.Length != Size * Size * 3)
        {
            throw new ArgumentException(
                $"{pixels.Length} floats for an RGB view of {Size} x {Size}: expected {Size * Size * 3}.",
                nameof(pixels));
        }

        ArgumentNullException.ThrowIfNull(source);
        using var canvas = Canvas(source);
        foreach (var operation in _operations)
        {
            operation.Apply(canvas, ref random);
        }

        if (canvas.Width != Size || canvas.Height != Size)
        {
            throw new InvalidOperationException(
                $"The operations left {canvas.Width} x {canvas.Height} pixels: expected {Size} x {Size}. Is a crop " +
                $"to {Size} missing?");
        }

        _normalize.Apply(canvas, pixels);
    }

    /// <summary>The steps in order, one per line.</summary>
    public string Describe() => string.Join('\n', [
        .. AppliesOrientation ? ["upright by EXIF"] : Array.Empty<string>(),
        .. DecodesSmaller
            ? ["decoded at 1/8, 1/4 or 1/2 where the crops stay as large as the view"]
            : Array.Empty<string>(),
        .. Operations.Select(operation => operation.Describe()),
        _normalize.Describe(),
    ]);

    // The streams are copies: drawing the crop here does not advance the views' own streams.
    private Func<int, int, bool> SmallerThat(SampleRandom first, SampleRandom second) =>
        (width, height) => StaysLarger(width, height, first) && StaysLarger(width, height, second);

    private bool StaysLarger(int width, int height, SampleRandom random) =>
        (Operations.Count > 0 ? Operations[0] : null) switch
    {
        RandomResizedCrop crop => crop.Draw(width, height, ref random) is var draw
            && draw.Width >= Size
            && draw.Height >= Size,
        Resize resize => Math.Min(width, height) >= resize.ShortSide,
        _ => false,
    };

    private static ViewCanvas Canvas(ImageBuffer source)
    {
        if (_threadsOwn is { } canvas)
        {
            canvas.Show(source);
            return canvas;
        }

        return _threadsOwn = new ViewCanvas(source);
    }
}
