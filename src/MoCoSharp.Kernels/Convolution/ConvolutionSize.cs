namespace MoCoSharp.Kernels;

/// <summary>The sizes of a 3x3 convolution, padded by 1.</summary>
/// <param name="Height">Of the input.</param>
/// <param name="Width">Of the input.</param>
/// <param name="Stride">Above 0.</param>
internal sealed record ConvolutionSize(int Height, int Width, int Stride)
{
    /// <summary>Side of the kernel.</summary>
    public const int Kernel = 3;

    /// <summary>Places of the kernel, row by row.</summary>
    public const int Taps = Kernel * Kernel;

    /// <summary>Rows of the output.</summary>
    public int OutputHeight => ((Height - 1) / Stride) + 1;

    /// <summary>Columns of the output.</summary>
    public int OutputWidth => ((Width - 1) / Stride) + 1;
}
