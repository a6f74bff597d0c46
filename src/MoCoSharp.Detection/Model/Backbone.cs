using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// The first layers and three stages of an encoder. Converts images to the feature map "C4". Keys are the encoder's.
/// </summary>
internal sealed class Backbone : Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly ModeSequential layer1;
    private readonly ModeSequential layer2;
    private readonly ModeSequential layer3;
    private readonly bool _pools;

    public Backbone(EncoderOptions options) : base(nameof(Backbone))
    {
        var (width, blocks) = (options.Width, ResNetStages.Blocks[options.Depth]);
        var expansion = ResNetStages.HasBottleneck(options.Depth) ? Bottleneck.Expansion : 1;
        _pools = options.Stem == EncoderStem.ImageNet;
        Channels = width * 4 * expansion;
        conv1 = options.Stem switch
        {
            EncoderStem.ImageNet => new Convolution(3, width, kernel: 7, stride: 2),
            EncoderStem.Small => new Convolution(3, width, kernel: 3, stride: 2),
            _ => new Convolution(3, width, kernel: 3, stride: 1),
        };
        bn1 = new SplitBatchNorm(width, 1);
        layer1 = ResidualStage.Create(options.Depth, inputs: width, width, blocks[0], stride: 1, bnGroups: 1);
        layer2 = ResidualStage.Create(
            options.Depth, inputs: width * expansion, width * 2, blocks[1], stride: 2, bnGroups: 1);
        layer3 = ResidualStage.Create(
            options.Depth, inputs: width * 2 * expansion, width * 4, blocks[2], stride: 2, bnGroups: 1);
        RegisterComponents();
    }

    /// <summary>Channels C of the feature map: 1024 for ResNet-50, 256 for ResNet-18.</summary>
    public int Channels { get; }

    /// <summary>The precision of convolutions.</summary>
    public Precision Precision { get; set; }

    /// <summary>Converts images [N, 3, H, W], channels last, to a feature map [N, C, H / stride, W / stride].</summary>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var hidden = bn1.NormalizeAddRelu(conv1.call(images.to(Precision.Type(bn1.Type))), BatchNormMode.Default);
        if (_pools)
        {
            hidden = functional.max_pool2d(hidden, kernel_size: 3, stride: 2, padding: 1);
        }

        foreach (var stage in new[] { layer1, layer2, layer3 })
        {
            hidden = stage.call(hidden, BatchNormMode.Default);
        }

        return hidden.MoveToOuterDisposeScope();
    }
}

/// <summary>The last stage of an encoder: converts the features of each region to a vector.</summary>
/// <remarks>detectron2's Res5ROIHeads; with the BatchNorm that MoCo adds, "Res5ROIHeadsExtraNorm".</remarks>
internal sealed class RegionStage : Module<Tensor, Tensor>
{
    private readonly ModeSequential layer4;
    private readonly SplitBatchNorm? norm;

    public RegionStage(EncoderOptions options, bool extraNorm) : base(nameof(RegionStage))
    {
        var expansion = ResNetStages.HasBottleneck(options.Depth) ? Bottleneck.Expansion : 1;
        FeatureSize = options.Width * 8 * expansion;
        layer4 = ResidualStage.Create(
            options.Depth, inputs: options.Width * 4 * expansion, options.Width * 8,
            ResNetStages.Blocks[options.Depth][3], stride: 2, bnGroups: 1);
        norm = extraNorm ? new SplitBatchNorm(FeatureSize, 1) : null;
        RegisterComponents();
    }

    /// <summary>Size D of the vectors: 2048 for ResNet-50, 512 for ResNet-18.</summary>
    public int FeatureSize { get; }

    /// <summary>The precision of convolutions.</summary>
    public Precision Precision { get; set; }

    /// <summary>Converts regions [R, C, P, P] to features [R, D].</summary>
    public override Tensor forward(Tensor regions)
    {
        using var scope = NewDisposeScope();
        var hidden = layer4.call(regions.to(Precision.Type(ScalarType.Float32)), BatchNormMode.Default);
        hidden = norm is null ? hidden : norm.call(hidden);
        return hidden.mean([2, 3]).to(float32).MoveToOuterDisposeScope();
    }
}
