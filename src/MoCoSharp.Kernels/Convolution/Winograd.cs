using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// A 3x3 convolution in bfloat16 with its gradients, by products of transformed tiles (<see cref="WinogradTiles"/>):
/// 16 multiplications instead of 36. Faster for many channels, where the products take longer than the
/// transforms.
/// </summary>
internal sealed class Winograd : autograd.SingleTensorFunction<Winograd>
{
    // Of input and output. Fewer channels gain little: tiles are four times as large as their images
    private const int Channels = 128;
    // Values at each place of the tiles. A larger batch is split, to limit memory
    private const long AtOnce = 1 << 18;
    private const string SavedKey = "saved";

    public override string Name => nameof(Winograd);

    /// <summary>Whether this is supported, and faster than libtorch.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    /// <param name="stride">Of the convolution.</param>
    public static bool IsApplicable(Tensor images, Tensor kernel, int stride) =>
        KernelTable.Winograd.IsOn
        && stride == 1
        && BFloat16Images.FillLanes(images)
        && kernel.shape[0] % IFloatLanes.Count == 0
        && kernel.shape[0] >= Channels
        && kernel.shape[1] >= Channels
        && images.shape[2] % 2 == 0
        && images.shape[3] % 2 == 0;

    /// <summary>The convolution, padded by 1. <see cref="IsApplicable"/> must be true.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    /// <returns>Shape [N, O, H, W], channels last.</returns>
    public static Tensor Convolve(Tensor images, Tensor kernel) =>
        is_grad_enabled() && (images.requires_grad || kernel.requires_grad)
            ? apply(images, kernel)
            : Convolved(images, kernel);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (images, kernel) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_data(
            SavedKey,
            new SavedTensors(
                kernel.requires_grad ? images.detach() : null,
                images.requires_grad ? kernel.detach() : null));
        return Convolved(images, kernel);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        BackwardResults.ReleasePrevious();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var kept = ((SavedTensors)ctx.get_data(SavedKey)).Unpack(scope);
        var ofImages = kept[1] is { } kernel ? OfImages(grad_output, kernel) : null;
        var ofKernel = kept[0] is { } images ? OfKernel(grad_output, images) : null;
        grad_output.Dispose();
        return BackwardResults.Return(ofImages, ofKernel);
    }

    private static Tensor Convolved(Tensor images, Tensor kernel)
    {
        using var scope = NewDisposeScope();
        return Output(images, WinogradTiles.OfKernel(kernel).transpose(1, 2)).MoveToOuterDisposeScope();
    }

    // A convolution of the gradient with the kernel turned by 180 degrees, its inputs and outputs swapped.
    private static Tensor OfImages(Tensor gradient, Tensor kernel)
    {
        using var scope = NewDisposeScope();
        return Output(gradient, WinogradTiles.OfKernel(kernel, turned: true)).MoveToOuterDisposeScope();
    }

    // Of kernels of shape [16, inputs, outputs].
    private static Tensor Output(Tensor images, Tensor kernels)
    {
        var (count, height, width) = (images.shape[0], images.shape[2], images.shape[3]);
        var output = empty(count, height, width, kernels.shape[2], dtype: bfloat16).permute(0, 3, 1, 2);
        var atOnce = ImagesAtOnce(height * width, kernels.shape[1], kernels.shape[2]);
        for (long first = 0; first < count; first += atOnce)
        {
            using var part = NewDisposeScope();
            var length = Math.Min(atOnce, count - first);
            var products = WinogradTiles.OfInput(images.narrow(0, first, length)).bmm(kernels); // [16, tiles, outputs]
            WinogradTiles.ToOutput(products, output.narrow(0, first, length));
        }

        return output;
    }

    private static Tensor OfKernel(Tensor gradient, Tensor images)
    {
        var atOnce = ImagesAtOnce(images.shape[2] * images.shape[3], images.shape[1], gradient.shape[1]);
        return ChunkedSum.Compute(images.shape[0], atOnce, (first, length) => WinogradTiles.ToWeightGradient(
            WinogradTiles.OfOutputGradient(gradient.narrow(0, first, length)).transpose(1, 2)
                .bmm(WinogradTiles.OfInput(images.narrow(0, first, length))))); // [16, O, I]
    }

    private static long ImagesAtOnce(long pixels, long inputs, long outputs) =>
        Math.Max(1, AtOnce / (pixels / 4 * Math.Max(inputs, outputs)));
}
