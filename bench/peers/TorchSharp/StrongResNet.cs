using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpPeer;

/// <summary>
/// The ResNet of <see cref="PlainResNet"/> as a careful PyTorch user writes it: channels last, weights in float32,
/// convolutions and sums in the given type by casts, every operation libtorch's own.
/// </summary>
public sealed class StrongResNet : Module<Tensor, Tensor>
{
    private readonly ScalarType _type;
    private readonly Module<Tensor, Tensor> layers;
    private readonly Linear hidden;
    private readonly Linear output;

    public StrongResNet(string model, int outputs, ScalarType type) : base(nameof(StrongResNet))
    {
        _type = type;
        var deep = model == "r50";
        int[] blocks = deep ? [3, 4, 6, 3] : [2, 2, 2, 2];
        List<Module<Tensor, Tensor>> parts = model == "r18-cifar"
            ? [new Conv(3, 64, 3, 1), BatchNorm2d(64), ReLU(inplace: true)]
            :
            [
                new Conv(3, 64, 7, 2), BatchNorm2d(64), ReLU(inplace: true), MaxPool2d(3, stride: 2, padding: 1),
            ];
        var inputs = 64;
        for (var stage = 0; stage < 4; stage++)
        {
            for (var i = 0; i < blocks[stage]; i++)
            {
                var block = new Block(inputs, 64 << stage, stage > 0 && i == 0 ? 2 : 1, deep);
                parts.Add(block);
                inputs = block.Outputs;
            }
        }

        layers = Sequential(parts);
        (hidden, output) = (Linear(inputs, inputs), Linear(inputs, outputs));
        RegisterComponents();
    }

    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var pooled = layers.call(ChannelsLast.From(images.to(_type))).mean([2, 3]);
        return Cast(output, Cast(hidden, pooled).relu_()).to(float32).MoveToOuterDisposeScope();
    }

    private static Tensor Cast(Linear layer, Tensor input) =>
        functional.linear(input, layer.weight!.to(input.dtype), layer.bias!.to(input.dtype));

    private sealed class Conv : Module<Tensor, Tensor>
    {
        private readonly Parameter weight;
        private readonly int _stride;

        public Conv(int inputs, int outputs, int kernel, int stride) : base(nameof(Conv))
        {
            using var scope = NewDisposeScope();
            var deviation = Math.Sqrt(2.0 / (outputs * kernel * kernel));
            var initial = ChannelsLast.From(randn(outputs, inputs, kernel, kernel) * deviation);
            weight = new Parameter(initial.DetachFromDisposeScope());
            _stride = stride;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var padding = weight.shape[2] / 2;
            return functional
                .conv2d(input, weight.to(input.dtype), strides: [_stride, _stride], padding: [padding, padding])
                .MoveToOuterDisposeScope();
        }
    }

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> body;
        private readonly Module<Tensor, Tensor>? shortcut;
        private readonly bool _skipsPixels;

        public Block(int inputs, int width, int stride, bool deep) : base(nameof(Block))
        {
            Outputs = deep ? 4 * width : width;
            body = deep
                ? Sequential(
                    new Conv(inputs, width, 1, 1), BatchNorm2d(width), ReLU(inplace: true),
                    new Conv(width, width, 3, stride), BatchNorm2d(width), ReLU(inplace: true),
                    new Conv(width, Outputs, 1, 1), BatchNorm2d(Outputs))
                : Sequential(
                    new Conv(inputs, width, 3, stride), BatchNorm2d(width), ReLU(inplace: true),
                    new Conv(width, width, 3, 1), BatchNorm2d(width));
            _skipsPixels = deep && stride == 2; // see PlainResNet: oneDNN's gradient of strided shortcuts
            shortcut = stride == 1 && inputs == Outputs
                ? null
                : Sequential(new Conv(inputs, Outputs, 1, _skipsPixels ? 1 : stride), BatchNorm2d(Outputs));
            RegisterComponents();
        }

        public int Outputs { get; }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            var pixels = _skipsPixels
                ? input[.., .., TensorIndex.Slice(step: 2), TensorIndex.Slice(step: 2)]
                : input;
            return body.call(input)
                .add_(shortcut is null ? input : shortcut.call(pixels))
                .relu_()
                .MoveToOuterDisposeScope();
        }
    }
}
