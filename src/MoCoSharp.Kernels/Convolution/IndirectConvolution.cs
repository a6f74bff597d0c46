using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// A 3x3 convolution of few channels with its gradients, in float32: the products of a convolution without copies of
/// the image, whose pixels are found by an index (Dukhan 2019, "The Indirect Convolution Algorithm",
/// <see href="https://arxiv.org/abs/1907.02129"/>).
/// </summary>
internal sealed class IndirectConvolution : CustomFunction<IndirectConvolution>
{
    private const int MostChannels = 256;
    private const int SumsAtOnce = 1 << 22; // values of the gradients of the weights, one for each part of a batch
    private const int MostParts = 16;
    private const string SizeKey = "size";
    private const string Packed = "indirect convolution, weights";
    private const string Sums = "indirect convolution, sums";

    /// <summary>Whether this is supported, and, with the gradients, not slower than libtorch.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    public static bool IsApplicable(Tensor images, Tensor kernel) =>
        KernelTable.IndirectFp32.IsOn && images.dtype == float32 && KernelImages.FillLanes(images)
        && IndirectConvolutionLoops.HasFullGroups(images.shape[0]) && kernel.shape[0] % IFloatLanes.Count == 0
        && images.shape[1] <= MostChannels && kernel.shape[0] <= MostChannels
        // its loops read memory by spans, whose length is an int
        && images.numel() / images.shape[1] * MostChannels * sizeof(float) <= int.MaxValue;

    /// <summary>The convolution, padded by 1. <see cref="IsApplicable"/> must be true.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    /// <param name="stride">Of the convolution.</param>
    /// <returns>Shape [N, O, H', W'], channels last.</returns>
    public static Tensor Convolve(Tensor images, Tensor kernel, int stride)
    {
        var size = new ConvolutionSize((int)images.shape[2], (int)images.shape[3], stride);
        return is_grad_enabled() && (images.requires_grad || kernel.requires_grad)
            ? apply(images, kernel, size)
            : Convolved(images, kernel, size);
    }

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (images, kernel, size) = ((Tensor)inputs[0], (Tensor)inputs[1], (ConvolutionSize)inputs[2]);
        ctx.save_data(SizeKey, size);
        Save(
            ctx, kernel.requires_grad ? images.detach() : null, images.requires_grad ? kernel.detach() : null);
        return Convolved(images, kernel, size);
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var size = (ConvolutionSize)ctx.get_data(SizeKey);
        var ofOutput = Pixels(gradient);
        var ofImages = saved[1] is { } kernel ? OfImages(ofOutput, kernel, size) : null;
        var ofKernel = saved[0] is { } images ? OfKernel(ofOutput, images, size) : null;
        return [ofImages, ofKernel];
    }

    private static Tensor Convolved(Tensor images, Tensor kernel, ConvolutionSize size)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var output = empty(images.shape[0], size.OutputHeight, size.OutputWidth, kernel.shape[0], dtype: float32);
        IndirectConvolutionLoops.Multiply(
            Pixels(images), Pack(kernel.permute(2, 3, 1, 0)), TapIndex.OfOutput(size), output);
        return output.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    // gradient: [N, H', W', O]
    private static Tensor OfImages(Tensor gradient, Tensor kernel, ConvolutionSize size)
    {
        using var scope = NewDisposeScope();
        var output = empty(gradient.shape[0], size.Height, size.Width, kernel.shape[1], dtype: float32);
        IndirectConvolutionLoops.Multiply(
            gradient, Pack(kernel.permute(2, 3, 0, 1)), TapIndex.OfInput(size), output);
        return output.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    // gradient: [N, H', W', O]
    private static Tensor OfKernel(Tensor gradient, Tensor images, ConvolutionSize size)
    {
        using var scope = NewDisposeScope();
        var (inputs, outputs) = (images.shape[1], gradient.shape[3]);
        var parts = Math.Clamp(SumsAtOnce / (ConvolutionSize.Taps * inputs * outputs), 1, MostParts);
        var sums = Workspace.Take(Sums, float32, parts, 3, 3, inputs, outputs);
        IndirectConvolutionLoops.Sum(Pixels(images), gradient, size, sums);
        return sums.sum([0]).permute(3, 0, 1, 2).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    // [3, 3, from, to] -> [to / 16, 3, 3, from, 16]
    private static Tensor Pack(Tensor kernel)
    {
        var (from, to) = (kernel.shape[2], kernel.shape[3]);
        var packed = Workspace.Take(Packed, float32, to / IFloatLanes.Count, 3, 3, from, IFloatLanes.Count);
        return packed.copy_(kernel.unflatten(3, [-1, IFloatLanes.Count]).permute(3, 0, 1, 2, 4));
    }

    // [N, C, H, W] -> [N, H, W, C], contiguous
    private static Tensor Pixels(Tensor images) => images.permute(0, 2, 3, 1).contiguous();
}
