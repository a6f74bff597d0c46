using MoCoSharp.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>A convolution of a ResNet: no bias, since a normalisation follows; padded to keep the size. Computes in the type of its input.</summary>
internal sealed class Convolution : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [outputs, inputs, kernel, kernel]
    private readonly int _stride;

    // oneDNN (in libtorch 2.10) writes past its memory in the weight gradient of a strided 1x1 convolution, channels last, whose channels do not fill
    // vectors of 16: there the pixels that the stride keeps are taken out first, which is the same convolution.
    private readonly bool _skipsPixels;

    public Convolution(int inputs, int outputs, int kernel, int stride) : base(nameof(Convolution))
    {
        weight = new Parameter(empty(outputs, inputs, kernel, kernel));
        _stride = stride;
        _skipsPixels = kernel == 1 && stride > 1 && (inputs % 16 != 0 || outputs % 16 != 0);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var padding = weight.shape[3] / 2;
        var stride = _stride;
        if (_skipsPixels)
        {
            input = ChannelsLast.Of(input.slice(2, 0, input.shape[2], stride).slice(3, 0, input.shape[3], stride));
            stride = 1;
        }

        return functional.conv2d(input, weight.to(input.dtype), strides: [stride, stride], padding: [padding, padding]).MoveToOuterDisposeScope();
    }

    /// <summary>A projection where a block changes size or width, else nothing.</summary>
    public static Sequential? Shortcut(int inputs, int outputs, int stride, int bnGroups) => stride == 1 && inputs == outputs
        ? null
        : Sequential(("0", new Convolution(inputs, outputs, kernel: 1, stride)), ("1", new SplitBatchNorm(outputs, bnGroups)));
}

/// <summary>A linear layer with bias. Computes in the type of its input.</summary>
internal sealed class Projection : Module<Tensor, Tensor>
{
    private readonly Parameter weight; // [outputs, inputs]
    private readonly Parameter bias;   // [outputs]

    public Projection(int inputs, int outputs) : base(nameof(Projection))
    {
        weight = new Parameter(empty(outputs, inputs));
        bias = new Parameter(empty(outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return functional.linear(input, weight.to(input.dtype), bias.to(input.dtype)).MoveToOuterDisposeScope();
    }
}
