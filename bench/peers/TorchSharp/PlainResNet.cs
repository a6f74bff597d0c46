using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpPeer;

/// <summary>A ResNet as anyone writes it on TorchSharp: torch.nn's own layers, NCHW, fp32, MoCo v2's head.</summary>
public sealed class PlainResNet : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers;

    public PlainResNet(string model, int outputs) : base(nameof(PlainResNet))
    {
        var deep = model == "r50";
        int[] blocks = deep ? [3, 4, 6, 3] : [2, 2, 2, 2];
        var expansion = deep ? 4 : 1;
        List<Module<Tensor, Tensor>> parts = model == "r18-cifar"
            ? [Conv2d(3, 64, 3, padding: 1, bias: false), BatchNorm2d(64), ReLU()]
            :
            [
                Conv2d(3, 64, 7, stride: 2, padding: 3, bias: false), BatchNorm2d(64), ReLU(),
                MaxPool2d(3, stride: 2, padding: 1),
            ];
        var inputs = 64;
        for (var stage = 0; stage < 4; stage++)
        {
            var width = 64 << stage;
            for (var i = 0; i < blocks[stage]; i++)
            {
                parts.Add(new Block(inputs, width, stage > 0 && i == 0 ? 2 : 1, deep));
                inputs = width * expansion;
            }
        }

        parts.AddRange([AdaptiveAvgPool2d(1), Flatten(), Linear(inputs, inputs), ReLU(), Linear(inputs, outputs)]);
        layers = Sequential(parts);
        RegisterComponents();
    }

    public override Tensor forward(Tensor images) => layers.call(images);

    private sealed class Block : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> body;
        private readonly Module<Tensor, Tensor>? shortcut;

        public Block(int inputs, int width, int stride, bool deep) : base(nameof(Block))
        {
            var outputs = deep ? 4 * width : width;
            body = deep
                ? Sequential(
                    Conv2d(inputs, width, 1, bias: false), BatchNorm2d(width), ReLU(inplace: true),
                    Conv2d(width, width, 3, stride: stride, padding: 1, bias: false),
                    BatchNorm2d(width),
                    ReLU(inplace: true),
                    Conv2d(width, outputs, 1, bias: false), BatchNorm2d(outputs))
                : Sequential(
                    Conv2d(inputs, width, 3, stride: stride, padding: 1, bias: false),
                    BatchNorm2d(width),
                    ReLU(inplace: true),
                    Conv2d(width, width, 3, padding: 1, bias: false), BatchNorm2d(width));
            // libtorch 2.10's oneDNN divides by zero while it prepares the gradient of ResNet-50's strided shortcuts
            // (SIGFPE in brgemm_convolution_bwd_utils on an
            // AMD EPYC): they take every second pixel first, and are then the same convolutions without a stride.
            var dies = deep && stride == 2;
            shortcut = stride == 1 && inputs == outputs ? null : Sequential(
                dies ? new EverySecondPixel() : Identity(),
                Conv2d(inputs, outputs, 1, stride: dies ? 1 : stride, bias: false),
                BatchNorm2d(outputs));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return body.call(input)
                .add_(shortcut is null ? input : shortcut.call(input))
                .relu_()
                .MoveToOuterDisposeScope();
        }
    }

    private sealed class EverySecondPixel() : Module<Tensor, Tensor>(nameof(EverySecondPixel))
    {
        public override Tensor forward(Tensor images) =>
            images[.., .., TensorIndex.Slice(step: 2), TensorIndex.Slice(step: 2)];
    }
}
