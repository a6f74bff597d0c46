using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>Two 3x3 convolutions beside a shortcut: the block of ResNet-18 and 34.</summary>
internal sealed class BasicBlock : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Conv2d conv2;
    private readonly SplitBatchNorm bn2;
    private readonly Sequential? downsample;

    public BasicBlock(int inputs, int width, int stride, int bnGroups) : base(nameof(BasicBlock))
    {
        conv1 = Convolution.Of(inputs, width, kernel: 3, stride);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = Convolution.Of(width, width, kernel: 3, stride: 1);
        bn2 = new SplitBatchNorm(width, bnGroups);
        downsample = Convolution.Shortcut(inputs, width, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.call(conv1.call(input)).relu_();
        var output = bn2.call(conv2.call(hidden));
        return output.add_(downsample is null ? input : downsample.call(input)).relu_().MoveToOuterDisposeScope();
    }
}

/// <summary>1x1, 3x3 and 1x1 convolutions beside a shortcut; the stride is on the 3x3, as in torchvision.</summary>
internal sealed class Bottleneck : Module<Tensor, Tensor>
{
    public const int Expansion = 4;

    private readonly Conv2d conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Conv2d conv2;
    private readonly SplitBatchNorm bn2;
    private readonly Conv2d conv3;
    private readonly SplitBatchNorm bn3;
    private readonly Sequential? downsample;

    public Bottleneck(int inputs, int width, int stride, int bnGroups) : base(nameof(Bottleneck))
    {
        conv1 = Convolution.Of(inputs, width, kernel: 1, stride: 1);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = Convolution.Of(width, width, kernel: 3, stride);
        bn2 = new SplitBatchNorm(width, bnGroups);
        conv3 = Convolution.Of(width, width * Expansion, kernel: 1, stride: 1);
        bn3 = new SplitBatchNorm(width * Expansion, bnGroups);
        downsample = Convolution.Shortcut(inputs, width * Expansion, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.call(conv1.call(input)).relu_();
        hidden = bn2.call(conv2.call(hidden)).relu_();
        var output = bn3.call(conv3.call(hidden));
        return output.add_(downsample is null ? input : downsample.call(input)).relu_().MoveToOuterDisposeScope();
    }
}

/// <summary>The convolutions of a ResNet: no bias, since a normalisation follows; padded to keep the size.</summary>
internal static class Convolution
{
    public static Conv2d Of(int inputs, int outputs, int kernel, int stride) =>
        Conv2d(inputs, outputs, kernel_size: kernel, stride: stride, padding: kernel / 2, bias: false);

    /// <summary>A projection where the block changes size or width, else nothing.</summary>
    public static Sequential? Shortcut(int inputs, int outputs, int stride, int bnGroups) =>
        stride == 1 && inputs == outputs ? null : Sequential(("0", Of(inputs, outputs, kernel: 1, stride)), ("1", new SplitBatchNorm(outputs, bnGroups)));
}
