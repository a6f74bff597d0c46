namespace MoCoSharp.Kernels;

/// <summary>
/// For each pixel of a result of a 3x3 convolution, the taps (places of the kernel) that meet a pixel of the source,
/// and that pixel. Taps in the padding are left out. The same for every image.
/// </summary>
internal sealed class TapIndex
{
    private TapIndex(int height, int width, Func<int, int, int, int, int?> sourceOf)
    {
        Starts = new int[(height * width) + 1];
        var most = height * width * ConvolutionSize.Taps;
        var (taps, sources) = (new int[most], new int[most]);
        var count = 0;
        for (var pixel = 0; pixel < height * width; pixel++)
        {
            var (y, x) = Math.DivRem(pixel, width);
            for (var tap = 0; tap < ConvolutionSize.Taps; tap++)
            {
                var (down, right) = (tap / ConvolutionSize.Kernel, tap % ConvolutionSize.Kernel);
                if (sourceOf(y, x, down - 1, right - 1) is { } source)
                {
                    (taps[count], sources[count]) = (tap, source);
                    count++;
                }
            }

            Starts[pixel + 1] = count;
        }

        (Taps, Sources) = (taps[..count], sources[..count]);
    }

    /// <summary>
    /// Where the pairs of each pixel begin, row by row, and where the last ones end. Pixels of the result + 1.
    /// </summary>
    public int[] Starts { get; }

    /// <summary>The tap of each pair: its place in the kernel, row by row.</summary>
    public int[] Taps { get; }

    /// <summary>The pixel of the source of each pair.</summary>
    public int[] Sources { get; }

    /// <summary>For the output: its source is the input.</summary>
    public static TapIndex OfOutput(ConvolutionSize size) => new(
        size.OutputHeight, size.OutputWidth,
        (y, x, down, right) =>
            Pixel((y * size.Stride) + down, (x * size.Stride) + right, size.Height, size.Width));

    /// <summary>For the gradient of the input: its source is the gradient of the output.</summary>
    public static TapIndex OfInput(ConvolutionSize size) => new(
        size.Height, size.Width,
        (y, x, down, right) => (y - down) % size.Stride == 0 && (x - right) % size.Stride == 0
            ? Pixel((y - down) / size.Stride, (x - right) / size.Stride, size.OutputHeight, size.OutputWidth)
            : null);

    private static int? Pixel(int y, int x, int height, int width) =>
        (uint)y < (uint)height && (uint)x < (uint)width ? (y * width) + x : null;
}
