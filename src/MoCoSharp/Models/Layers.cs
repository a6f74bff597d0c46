using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// A convolution of a ResNet. It has no bias, because BatchNorm follows, and padding keeps the size. Computes in the
/// type of its input.
/// </summary>
internal sealed class Convolution : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [outputs, inputs, kernel, kernel]
    private readonly int _stride;

    public Convolution(int inputs, int outputs, int kernel, int stride) : base(nameof(Convolution))
    {
        weight = new Parameter(empty(outputs, inputs, kernel, kernel));
        _stride = stride;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var kernel = weight.to(input.dtype);
        var padding = weight.shape[3] / 2;
        var output = padding switch
        {
            0 when input.device_type == DeviceType.CPU => Product(input, kernel),
            1 when IsPoint(input) => Product(input, kernel.narrow(2, 1, 1).narrow(3, 1, 1)),
            1 when Winograd.IsApplicable(input, kernel, _stride) => Winograd.Convolve(input, kernel),
            1 when IndirectConvolution.IsApplicable(input, kernel) =>
                IndirectConvolution.Convolve(input, kernel, _stride),
            _ => functional.conv2d(input, kernel, strides: [_stride, _stride], padding: [padding, padding]),
        };
        return output.MoveToOuterDisposeScope();
    }

    // For a single pixel, the outer eight weights see only padding. oneDNN in libtorch 2.10 leaves their bf16 gradient
    // unset.
    private static bool IsPoint(Tensor input) => input is { dtype: ScalarType.BFloat16, shape: [_, _, 1, 1] };

    // A 1x1 convolution in channels-last layout is a matrix product of pixels and weights. The kernels of oneDNN in
    // libtorch 2.10 are unsafe here. With few channels and a stride, the weight gradient writes out of bounds; with
    // 1024 output channels, it divides by zero. Both were seen on an AMD EPYC.
    private Tensor Product(Tensor input, Tensor kernel)
    {
        var pixels = input.permute(0, 2, 3, 1); // [N, H, W, inputs]
        if (_stride > 1)
        {
            pixels = pixels.slice(1, 0, pixels.shape[1], _stride).slice(2, 0, pixels.shape[2], _stride);
        }

        // Flatten the pixels to one matrix. With four strided dimensions and no gradient, libtorch multiplies row by
        // row, 40 times slower.
        var product = LinearProduct.Of(pixels.reshape(-1, pixels.shape[3]), kernel.flatten(1)); // [N H W, outputs]
        return product.view(pixels.shape[0], pixels.shape[1], pixels.shape[2], -1).permute(0, 3, 1, 2);
    }
}

/// <summary>A linear layer. Computes in the type of its input.</summary>
internal sealed class Projection : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [outputs, inputs]
    private readonly Parameter? bias;  // [outputs]; null before BatchNorm, which would cancel it

    public Projection(int inputs, int outputs, bool hasBias = true) : base(nameof(Projection))
    {
        weight = new Parameter(empty(outputs, inputs));
        bias = hasBias ? new Parameter(empty(outputs)) : null;
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return functional.linear(input, weight.to(input.dtype), bias?.to(input.dtype)).MoveToOuterDisposeScope();
    }
}
