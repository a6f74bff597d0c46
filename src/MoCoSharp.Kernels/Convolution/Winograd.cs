using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// A 3x3 convolution with its gradients, by products of transformed tiles: in bfloat16 by
/// <see cref="WinogradTiles2x2"/>, 16 multiplications instead of 36; in float32 by <see cref="WinogradTiles4x4"/>, 36
/// instead of 144. Faster for many channels, where the products take longer than the transforms.
/// </summary>
internal sealed class Winograd : CustomFunction<Winograd>
{
    // Of input and output. Fewer channels gain little
    private const int ChannelsInBf16 = 128;
    private const int ChannelsInFp32 = 64;
    // Of the tiles of a part of a batch. A larger batch is split, which needs less memory, and gains in caches
    private const long BytesAtOnce = 8 << 20;
    private const string InputTiles = "Winograd input";
    private const string OutputTiles = "Winograd output";
    private const string KernelTiles = "Winograd kernel";

    /// <summary>Whether this is supported, and faster than libtorch.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    /// <param name="stride">Of the convolution.</param>
    public static bool IsApplicable(Tensor images, Tensor kernel, int stride)
    {
        long height = images.shape[2], width = images.shape[3];
        return stride == 1 && KernelImages.FillLanes(images) && kernel.shape[0] % IFloatLanes.Count == 0
            && images.dtype switch
            {
                ScalarType.BFloat16 => KernelTable.Winograd.IsOn && Has(ChannelsInBf16)
                    && height % 2 == 0 && width % 2 == 0,
                ScalarType.Float32 => KernelTable.WinogradFp32.IsOn && Has(ChannelsInFp32)
                    && height > 2 && width > 2 && HasTiles(),
                _ => false,
            };

        bool Has(int channels) => kernel.shape[0] >= channels && kernel.shape[1] >= channels;

        // Enough to be worth the transform of the kernel.
        bool HasTiles() => 8 * images.shape[0] * TilesOf<WinogradTiles4x4>(images) >= kernel.shape[1];
    }

    /// <summary>The convolution, padded by 1. <see cref="IsApplicable"/> must be true.</summary>
    /// <param name="images">Shape [N, I, H, W].</param>
    /// <param name="kernel">Shape [O, I, 3, 3].</param>
    /// <returns>Shape [N, O, H, W], channels last.</returns>
    public static Tensor Convolve(Tensor images, Tensor kernel) =>
        is_grad_enabled() && (images.requires_grad || kernel.requires_grad)
            ? apply(images, kernel)
            : Convolved(images, kernel);

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (images, kernel) = ((Tensor)inputs[0], (Tensor)inputs[1]);
        Save(
            ctx, kernel.requires_grad ? images.detach() : null, images.requires_grad ? kernel.detach() : null);
        return Convolved(images, kernel);
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var ofImages = saved[1] is { } kernel ? OfImages(gradient, kernel) : null;
        var ofKernel = saved[0] is { } images ? OfKernel(gradient, images) : null;
        return [ofImages, ofKernel];
    }

    private static Tensor Convolved(Tensor images, Tensor kernel) => IsFloat32(images)
        ? Convolved<WinogradTiles4x4>(images, kernel)
        : Convolved<WinogradTiles2x2>(images, kernel);

    private static Tensor OfImages(Tensor gradient, Tensor kernel) => IsFloat32(gradient)
        ? OfImages<WinogradTiles4x4>(gradient, kernel)
        : OfImages<WinogradTiles2x2>(gradient, kernel);

    private static Tensor OfKernel(Tensor gradient, Tensor images) => IsFloat32(images)
        ? OfKernel<WinogradTiles4x4>(gradient, images)
        : OfKernel<WinogradTiles2x2>(gradient, images);

    private static bool IsFloat32(Tensor values) => values.dtype == float32;

    private static Tensor Convolved<T>(Tensor images, Tensor kernel) where T : struct, IWinogradTiles
    {
        using var scope = NewDisposeScope();
        return Output<T>(images, TilesOf<T>(kernel, turned: false).transpose(1, 2)).MoveToOuterDisposeScope();
    }

    // A convolution of the gradient with the kernel turned by 180 degrees, its inputs and outputs swapped.
    private static Tensor OfImages<T>(Tensor gradient, Tensor kernel) where T : struct, IWinogradTiles
    {
        using var scope = NewDisposeScope();
        return Output<T>(gradient, TilesOf<T>(kernel, turned: true)).MoveToOuterDisposeScope();
    }

    private static Tensor TilesOf<T>(Tensor kernel, bool turned) where T : struct, IWinogradTiles
    {
        var tiles = Workspace.Take(KernelTiles, kernel.dtype, T.Places, kernel.shape[0], kernel.shape[1]);
        T.OfKernel(kernel, turned, tiles);
        return tiles;
    }

    // Of kernels of shape [places, inputs, outputs].
    private static Tensor Output<T>(Tensor images, Tensor kernels) where T : struct, IWinogradTiles
    {
        var (count, height, width) = (images.shape[0], images.shape[2], images.shape[3]);
        var output = empty(count, height, width, kernels.shape[2], dtype: images.dtype).permute(0, 3, 1, 2);
        var atOnce = ImagesAtOnce<T>(images, kernels.shape[2]);
        for (long first = 0; first < count; first += atOnce)
        {
            using var part = NewDisposeScope();
            var length = Math.Min(atOnce, count - first);
            var tiles = TakeTiles<T>(InputTiles, images, length, images.shape[1]);
            T.OfInput(images.narrow(0, first, length), tiles);
            var products = TakeTiles<T>(OutputTiles, images, length, kernels.shape[2]); // [places, tiles, outputs]
            MatMul.Batched(tiles, kernels, products);
            T.ToOutput(products, output.narrow(0, first, length));
        }

        return output;
    }

    private static Tensor OfKernel<T>(Tensor gradient, Tensor images) where T : struct, IWinogradTiles
    {
        long inputs = images.shape[1], outputs = gradient.shape[1];
        return ChunkedSum.Compute(images.shape[0], ImagesAtOnce<T>(images, outputs), (first, length) =>
        {
            var tiles = TakeTiles<T>(InputTiles, images, length, inputs);
            T.OfInput(images.narrow(0, first, length), tiles);
            var ofOutput = TakeTiles<T>(OutputTiles, images, length, outputs);
            T.OfOutputGradient(gradient.narrow(0, first, length), ofOutput);
            var sums = Workspace.Take(KernelTiles, images.dtype, T.Places, outputs, inputs);
            MatMul.Batched(ofOutput.transpose(1, 2), tiles, sums);
            return T.ToWeightGradient(sums);
        });
    }

    private static Tensor TakeTiles<T>(string use, Tensor images, long count, long channels)
        where T : struct, IWinogradTiles =>
        Workspace.Take(use, images.dtype, T.Places, count * TilesOf<T>(images), channels);

    // Of an image.
    private static long TilesOf<T>(Tensor images) where T : struct, IWinogradTiles =>
        IWinogradTiles.Along(images.shape[2], T.Square) * IWinogradTiles.Along(images.shape[3], T.Square);

    private static long ImagesAtOnce<T>(Tensor images, long outputs) where T : struct, IWinogradTiles
    {
        var values = T.Places * TilesOf<T>(images) * Math.Max(images.shape[1], outputs);
        return Math.Max(1, BytesAtOnce / (values * images.element_size()));
    }
}
