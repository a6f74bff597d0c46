using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>Two 3x3 convolutions beside a shortcut: the block of ResNet-18 and 34.</summary>
internal sealed class BasicBlock : Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Convolution conv2;
    private readonly SplitBatchNorm bn2;
    private readonly Sequential? downsample;

    public BasicBlock(int inputs, int width, int stride, int bnGroups) : base(nameof(BasicBlock))
    {
        conv1 = new Convolution(inputs, width, kernel: 3, stride);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = new Convolution(width, width, kernel: 3, stride: 1);
        bn2 = new SplitBatchNorm(width, bnGroups);
        downsample = Convolution.Shortcut(inputs, width, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.NormalizeAddRelu(conv1.call(input));
        return bn2.NormalizeAddRelu(conv2.call(hidden), downsample is null ? input : downsample.call(input)).MoveToOuterDisposeScope();
    }
}

/// <summary>1x1, 3x3 and 1x1 convolutions beside a shortcut; the stride is on the 3x3, as in torchvision.</summary>
internal sealed class Bottleneck : Module<Tensor, Tensor>
{
    public const int Expansion = 4;

    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Convolution conv2;
    private readonly SplitBatchNorm bn2;
    private readonly Convolution conv3;
    private readonly SplitBatchNorm bn3;
    private readonly Sequential? downsample;

    public Bottleneck(int inputs, int width, int stride, int bnGroups) : base(nameof(Bottleneck))
    {
        conv1 = new Convolution(inputs, width, kernel: 1, stride: 1);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = new Convolution(width, width, kernel: 3, stride);
        bn2 = new SplitBatchNorm(width, bnGroups);
        conv3 = new Convolution(width, width * Expansion, kernel: 1, stride: 1);
        bn3 = new SplitBatchNorm(width * Expansion, bnGroups);
        downsample = Convolution.Shortcut(inputs, width * Expansion, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.NormalizeAddRelu(conv1.call(input));
        hidden = bn2.NormalizeAddRelu(conv2.call(hidden));
        return bn3.NormalizeAddRelu(conv3.call(hidden), downsample is null ? input : downsample.call(input)).MoveToOuterDisposeScope();
    }
}
