using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>Two 3x3 convolutions beside a shortcut: the block of ResNet-18 and 34.</summary>
internal sealed class BasicBlock : Module<Tensor, BatchNormMode, Tensor>
{
    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Convolution conv2;
    private readonly SplitBatchNorm bn2;
    private readonly ModeSequential? downsample;

    public BasicBlock(int inputs, int width, int stride, int bnGroups) : base(nameof(BasicBlock))
    {
        conv1 = new Convolution(inputs, width, kernel: 3, stride);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = new Convolution(width, width, kernel: 3, stride: 1);
        bn2 = new SplitBatchNorm(width, bnGroups);
        downsample = ResidualStage.Shortcut(inputs, width, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.NormalizeAddRelu(conv1.call(input), mode);
        return bn2.NormalizeAddRelu(conv2.call(hidden), mode, downsample is null ? input : downsample.call(input, mode))
            .MoveToOuterDisposeScope();
    }
}

/// <summary>
/// 1x1, 3x3 and 1x1 convolutions beside a shortcut. The 3x3 convolution has the stride, as in torchvision.
/// </summary>
internal sealed class Bottleneck : Module<Tensor, BatchNormMode, Tensor>
{
    public const int Expansion = 4;

    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Convolution conv2;
    private readonly SplitBatchNorm bn2;
    private readonly Convolution conv3;
    private readonly SplitBatchNorm bn3;
    private readonly ModeSequential? downsample;

    public Bottleneck(int inputs, int width, int stride, int bnGroups) : base(nameof(Bottleneck))
    {
        conv1 = new Convolution(inputs, width, kernel: 1, stride: 1);
        bn1 = new SplitBatchNorm(width, bnGroups);
        conv2 = new Convolution(width, width, kernel: 3, stride);
        bn2 = new SplitBatchNorm(width, bnGroups);
        conv3 = new Convolution(width, width * Expansion, kernel: 1, stride: 1);
        bn3 = new SplitBatchNorm(width * Expansion, bnGroups);
        downsample = ResidualStage.Shortcut(inputs, width * Expansion, stride, bnGroups);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.NormalizeAddRelu(conv1.call(input), mode);
        hidden = bn2.NormalizeAddRelu(conv2.call(hidden), mode);
        return bn3.NormalizeAddRelu(conv3.call(hidden), mode, downsample is null ? input : downsample.call(input, mode))
            .MoveToOuterDisposeScope();
    }
}

/// <summary>Creates the stages of a ResNet.</summary>
internal static class ResidualStage
{
    /// <summary>Creates one of the four stages. Its first block changes size and width.</summary>
    /// <param name="depth">Depth of the ResNet.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="width">Channels inside a block.</param>
    /// <param name="count">Blocks, above 0.</param>
    /// <param name="stride">Stride of the first block.</param>
    /// <param name="bnGroups">S of the encoder.</param>
    public static ModeSequential Create(int depth, int inputs, int width, int count, int stride, int bnGroups)
    {
        var hasBottleneck = ResNetStages.HasBottleneck(depth);
        var outputs = hasBottleneck ? width * Bottleneck.Expansion : width;
        return new ModeSequential(
            Enumerable.Range(0, count).Select(i => Block(i == 0 ? inputs : outputs, i == 0 ? stride : 1)));

        Module Block(int blockInputs, int blockStride) => hasBottleneck
            ? new Bottleneck(blockInputs, width, blockStride, bnGroups)
            : new BasicBlock(blockInputs, width, blockStride, bnGroups);
    }

    /// <summary>The projection shortcut of a block that changes size or width; null for an identity shortcut.</summary>
    public static ModeSequential? Shortcut(int inputs, int outputs, int stride, int bnGroups) =>
        stride == 1 && inputs == outputs
        ? null
        : new ModeSequential([
            new Convolution(inputs, outputs, kernel: 1, stride),
            new SplitBatchNorm(outputs, bnGroups),
        ]);
}
