using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Kernels;

/// <summary>A 3x3 convolution by libtorch, with a faster weight gradient for small images.</summary>
/// <remarks>
/// oneDNN's bfloat16 kernels for this gradient sum over the pixels of an image, and are slow if there are few.
/// With stride 1 it is computed as a convolution whose channels are the batch's images, with stride 2 as one product
/// with the patches. A large batch is split into chunks. Everything else uses libtorch.
/// </remarks>
internal sealed class Conv3x3WeightGradient : autograd.SingleTensorFunction<Conv3x3WeightGradient>
{
    private const int Size = 3;
    private const int Padding = 1;
    private const int SmallImage = 49; // pixels of the output; larger images gain only in small batches
    private const int AtOnce = 4096;   // pixels of all images; with more, libtorch is faster
    private const int AtOnceStrided = 8192;
    private const string SavedKey = "saved";
    private const string StrideKey = "stride";

    public override string Name => nameof(Conv3x3WeightGradient);

    /// <summary>The convolution, padded by 1.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Of the same type. Shape [O, I, 3, 3].</param>
    /// <param name="stride">1 or 2.</param>
    /// <returns>Shape [N, O, H / stride, W / stride], rounded up.</returns>
    public static Tensor Convolve(Tensor images, Tensor kernel, int stride)
    {
        if (!is_grad_enabled() || !kernel.requires_grad || !IsApplicable(images, kernel, stride))
        {
            return Convolved(images, kernel, stride);
        }

        using var scope = NewDisposeScope();
        var output = Convolved(images, kernel.detach(), stride);
        return apply(output, kernel, images.detach(), stride).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(SavedKey, new SavedTensors(((Tensor)vars[2]).detach()));
        ctx.save_data(StrideKey, vars[3]);
        return ((Tensor)vars[0]).detach();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        BackwardResults.ReleasePrevious();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var images = ((SavedTensors)ctx.get_data(SavedKey)).Unpack(scope)[0]!;
        var ofKernel = OfKernel(grad_output, images, (int)ctx.get_data(StrideKey));
        var ofOutput = grad_output.alias();
        grad_output.Dispose();
        return BackwardResults.Return(ofOutput, ofKernel, null, null);
    }

    private static Tensor OfKernel(Tensor gradient, Tensor images, int stride)
    {
        var pixels = gradient.shape[2] * gradient.shape[3];
        var imagesAtOnce = Math.Max(1, AtOnceOf(stride) / pixels / BatchAsChannels.Images) * BatchAsChannels.Images;
        return ChunkedSum.Compute(images.shape[0], imagesAtOnce, (first, length) =>
        {
            var (ofOutput, ofInput) = (gradient.narrow(0, first, length), images.narrow(0, first, length));
            return stride == 1 ? ByBatch(ofOutput, ofInput) : ByPatches(ofOutput, ofInput);
        });
    }

    // dw[o, i, a, b] is the sum over n, y, x of g[n, o, y, x] images[n, i, y + a - 1, x + b - 1].
    // This is a convolution: the channels of g are its images, those of the images its kernels, and n its channels.
    // With the pixels of both reversed, it moves in the direction of a and b.
    private static Tensor ByBatch(Tensor gradient, Tensor images) =>
        functional.conv2d( // [O, I, 3, 3]
            BatchAsChannels.Reversed(gradient), BatchAsChannels.Reversed(images), padding: [Padding, Padding]);

    // The same sum as a product: gᵀ times the patch that each of its pixels was made from.
    private static Tensor ByPatches(Tensor gradient, Tensor images)
    {
        var (outputs, inputs) = (gradient.shape[1], images.shape[1]);
        var pixels = images.permute(0, 2, 3, 1); // [N, H, W, I]
        var padded = functional.pad(pixels, [0, 0, Padding, Padding, Padding, Padding]); // [N, H + 2, W + 2, I]
        var (image, row, pixel) = (padded.stride(0), padded.stride(1), padded.stride(2));
        var patches = padded.as_strided(
            [gradient.shape[0], gradient.shape[2], gradient.shape[3], Size, Size, inputs],
            [image, 2 * row, 2 * pixel, row, pixel, 1]);
        var rows = gradient.permute(0, 2, 3, 1).reshape(-1, outputs); // [N H W / 4, O]
        var product = rows.t().mm(patches.reshape(-1, Size * Size * inputs)); // [O, 3 3 I]
        return product.view(outputs, Size, Size, inputs).permute(0, 3, 1, 2);
    }

    private static Tensor Convolved(Tensor images, Tensor kernel, int stride) =>
        functional.conv2d(images, kernel, strides: [stride, stride], padding: [Padding, Padding]);

    private static int AtOnceOf(int stride) => stride == 1 ? AtOnce : AtOnceStrided;

    private static bool IsApplicable(Tensor images, Tensor kernel, int stride)
    {
        var (count, height, width) = (images.shape[0], images.shape[2], images.shape[3]);
        var fits = KernelTable.WeightGradient.IsOn && Sse2.IsSupported && BFloat16Images.FillLanes(images)
            && kernel.shape[0] % BatchAsChannels.Channels == 0 && kernel.shape[1] % BatchAsChannels.Channels == 0;
        return fits && stride switch
        {
            1 => count % BatchAsChannels.Images == 0 && Gains(height * width),
            2 => height % 2 == 0 && width % 2 == 0 && Gains(height * width / 4),
            _ => false,
        };

        bool Gains(long pixels) => pixels <= SmallImage || count * pixels <= AtOnceOf(stride);
    }
}
