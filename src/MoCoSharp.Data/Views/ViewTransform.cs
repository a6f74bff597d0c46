using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Views;

/// <summary>How a view is made of an image: operations in their order, then normalisation. A pure function of image and stream.</summary>
/// <remarks>Safe to use from several threads.</remarks>
public sealed class ViewTransform
{
    private readonly Normalize normalize;

    /// <summary>A transform of these steps.</summary>
    /// <param name="size">Side of the view that the operations leave, in pixels.</param>
    /// <param name="operations">In order of application.</param>
    /// <param name="normalize">The last step.</param>
    public ViewTransform(int size, IReadOnlyList<IViewOperation> operations, Normalize normalize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentNullException.ThrowIfNull(operations);
        ArgumentNullException.ThrowIfNull(normalize);
        Size = size;
        Operations = [.. operations];
        this.normalize = normalize;
    }

    /// <summary>Side of a view, in pixels.</summary>
    public int Size { get; }

    /// <summary>The steps before normalisation, in order of application.</summary>
    public IReadOnlyList<IViewOperation> Operations { get; }

    /// <summary>The last step.</summary>
    public Normalize Normalize => normalize;

    /// <summary>Makes one view.</summary>
    /// <param name="source">The image; not changed.</param>
    /// <param name="random">The view's own stream.</param>
    /// <param name="pixels">Receives the view, HWC. Length Size x Size x 3.</param>
    /// <exception cref="ArgumentException"><paramref name="pixels"/> has another length.</exception>
    public void Write(ImageBuffer source, ref SampleRandom random, Span<float> pixels)
    {
        if (pixels.Length != Size * Size * 3)
        {
            throw new ArgumentException($"{pixels.Length} floats for an RGB view of {Size} x {Size}: expected {Size * Size * 3}.", nameof(pixels));
        }

        using var canvas = new ViewCanvas(source);
        foreach (var operation in Operations)
        {
            operation.Apply(canvas, ref random);
        }

        if (canvas.Width != Size || canvas.Height != Size)
        {
            throw new InvalidOperationException($"The operations left {canvas.Width} x {canvas.Height} pixels: expected {Size} x {Size}. Is a crop to {Size} missing?");
        }

        normalize.Apply(canvas.Pixels, pixels);
    }

    /// <summary>The steps in order, one a line.</summary>
    public string Describe() => string.Join('\n', Operations.Select(operation => operation.Describe()).Append(normalize.Describe()));
}
