using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>A ResNet with a head: images to features, and features to embeddings. Its keys are torchvision's.</summary>
/// <remarks>
/// He et al. 2016, <see href="https://arxiv.org/abs/1512.03385"/>. What a forward pass in training has computed goes backward once: its layers let go of their
/// activations on the way. Add losses up before their backward pass; a second one, with the graph retained, ends the process with a message that says so.
/// </remarks>
public sealed class Encoder : Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly Sequential layer1;
    private readonly Sequential layer2;
    private readonly Sequential layer3;
    private readonly Sequential layer4;
    private readonly Module<Tensor, Tensor> fc;
    private readonly bool _pools;
    private readonly int _bnGroups;
    private readonly bool _recomputes;
    private bool _remembers = true; // whether passes in training move the running statistics

    /// <summary>An encoder with torchvision's initialisation.</summary>
    /// <param name="options">The architecture.</param>
    /// <param name="outputSize">Size of the head's output, C; without a head it is D, whatever is given.</param>
    /// <param name="bnGroups">Groups of this process's batch that are normalised apart (see <see cref="SplitBatchNorm"/>).</param>
    /// <param name="random">Draws the weights; the same state gives the same weights.</param>
    /// <exception cref="ArgumentException">The options have faults; all are named.</exception>
    public Encoder(EncoderOptions options, int outputSize, int bnGroups, Generator random) : base(nameof(Encoder))
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputSize);
        var faults = options.Faults().ToList();
        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", faults), nameof(options));
        }

        var width = options.Width;
        var blocks = ResNetStages.Blocks[options.Depth];
        var expansion = ResNetStages.HasBottleneck(options.Depth) ? Bottleneck.Expansion : 1;
        FeatureSize = width * 8 * expansion;
        Options = options;
        OutputSize = options.Head == EncoderHead.None ? FeatureSize : outputSize;
        _pools = options.Stem == EncoderStem.ImageNet;
        _bnGroups = bnGroups;
        _recomputes = options.Recompute;
        conv1 = options.Stem switch
        {
            EncoderStem.ImageNet => new Convolution(3, width, kernel: 7, stride: 2),
            EncoderStem.Small => new Convolution(3, width, kernel: 3, stride: 2),
            _ => new Convolution(3, width, kernel: 3, stride: 1),
        };
        bn1 = new SplitBatchNorm(width, bnGroups);
        layer1 = Stage(options.Depth, inputs: width, width, blocks[0], stride: 1, bnGroups);
        layer2 = Stage(options.Depth, inputs: width * expansion, width * 2, blocks[1], stride: 2, bnGroups);
        layer3 = Stage(options.Depth, inputs: width * 2 * expansion, width * 4, blocks[2], stride: 2, bnGroups);
        layer4 = Stage(options.Depth, inputs: width * 4 * expansion, width * 8, blocks[3], stride: 2, bnGroups);
        fc = Head.Create(options.Head, FeatureSize, outputSize, bnGroups);
        RegisterComponents();
        TorchvisionInitialization.Apply(this, random);
        ChannelsLast.Apply(this);
    }

    /// <summary>How it is built.</summary>
    public EncoderOptions Options { get; }

    /// <summary>Size of the head's output, C.</summary>
    public int OutputSize { get; }

    /// <summary>Size of the pooled features, D: 512 for ResNet-18 and 34, 2048 for the deeper ones, at width 64.</summary>
    public int FeatureSize { get; }

    /// <summary>What convolutions and linear layers compute in; images and outputs are of the weights' type all the same.</summary>
    public Precision Precision { get; set; }

    /// <summary>The parts that tell when they have their gradients, the last first.</summary>
    internal static IReadOnlyList<string> GradientParts { get; } = [nameof(fc), nameof(layer4), nameof(layer3), nameof(layer2), nameof(layer1)];

    /// <summary>Hears of the passes in training; null where nobody does.</summary>
    internal IGradientWatch? GradientWatch { get; set; }

    /// <summary>Makes BatchNorm take its statistics from the global batch of several ranks, in one group. For an encoder of one group.</summary>
    internal void NormalizeOver(IProcessGroup group)
    {
        foreach (var norm in modules().OfType<SplitBatchNorm>())
        {
            norm.Ranks = group;
        }
    }

    /// <summary>Embeddings: the head's output, not normalised.</summary>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <returns>Shape [N, C].</returns>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        if (!Splits || !Head.HasNorm(Options.Head))
        {
            return Embeddings(Features(images)).MoveToOuterDisposeScope();
        }

        return BatchGroups.Scatter(Embeddings(Pooled(BatchGroups.Gather(images, _bnGroups))), _bnGroups).MoveToOuterDisposeScope();
    }

    /// <summary>Pooled features, before the head: what evaluation and transfer use.</summary>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <returns>Shape [N, D].</returns>
    public Tensor Features(Tensor images)
    {
        using var scope = NewDisposeScope();
        var features = Pooled(Splits ? BatchGroups.Gather(images, _bnGroups) : ChannelsLast.Of(images));
        return (Splits ? BatchGroups.Scatter(features, _bnGroups) : features).MoveToOuterDisposeScope();
    }

    /// <summary>Embeddings of images that are one BN group alone, after <see cref="PassGroups"/>.</summary>
    /// <param name="images">Of one group. Shape [N / S, 3, H, W].</param>
    /// <returns>Shape [N / S, C].</returns>
    internal Tensor OneGroup(Tensor images)
    {
        using var scope = NewDisposeScope();
        return Embeddings(Pooled(ChannelsLast.Of(images))).MoveToOuterDisposeScope();
    }

    /// <summary>How BatchNorm is to take what passes in training from now on, backward passes that compute again included.</summary>
    /// <param name="oneByOne">Each pass is one group, whatever S is.</param>
    /// <param name="remembers">Passes move the running statistics.</param>
    internal void PassGroups(bool oneByOne, bool remembers)
    {
        _remembers = remembers;
        foreach (var norm in modules().OfType<SplitBatchNorm>())
        {
            (norm.Whole, norm.Remembers) = (oneByOne, remembers);
        }
    }

    private Tensor Embeddings(Tensor features) => fc.call(InComputeType(GradientBoundary.Of(features, GradientWatch, nameof(fc)))).to(bn1.Type);

    private bool Splits => training && _bnGroups > 1;

    // [N, 3, H, W], channels last, group by group -> [N, D]
    private Tensor Pooled(Tensor images)
    {
        using var scope = NewDisposeScope();
        var hidden = InComputeType(images);
        hidden = bn1.NormalizeAddRelu(conv1.call(hidden));
        if (_pools)
        {
            hidden = functional.max_pool2d(hidden, kernel_size: 3, stride: 2, padding: 1);
        }

        foreach (var (name, stage) in new[] { (nameof(layer1), layer1), (nameof(layer2), layer2), (nameof(layer3), layer3), (nameof(layer4), layer4) })
        {
            hidden = GradientBoundary.Of(hidden, GradientWatch, name);
            hidden = _recomputes ? ActivationCheckpointing.Run(hidden, (input, again) => Pass(stage, input, remembers: !again)) : stage.call(hidden);
        }

        return hidden.mean([2, 3]).to(bn1.Type).MoveToOuterDisposeScope(); // [N, D, H', W'] -> [N, D]
    }

    private Tensor Pass(Sequential stage, Tensor input, bool remembers)
    {
        foreach (var norm in stage.modules().OfType<SplitBatchNorm>())
        {
            norm.Remembers = remembers && _remembers;
        }

        return stage.call(input);
    }

    private Tensor InComputeType(Tensor input) => input.to(Precision.Type(bn1.Type));

    /// <summary>One of the four stages, blocks under the names 0, 1 and so on.</summary>
    internal static Sequential Stage(int depth, int inputs, int width, int count, int stride, int bnGroups)
    {
        var outputs = ResNetStages.HasBottleneck(depth) ? width * Bottleneck.Expansion : width;
        return Sequential(Enumerable.Range(0, count).Select(i => ($"{i}", Block(i == 0 ? inputs : outputs, i == 0 ? stride : 1))).ToArray());

        Module<Tensor, Tensor> Block(int blockInputs, int blockStride) => ResNetStages.HasBottleneck(depth)
            ? new Bottleneck(blockInputs, width, blockStride, bnGroups)
            : new BasicBlock(blockInputs, width, blockStride, bnGroups);
    }
}
