using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>A ResNet with a head: images to features, and features to embeddings. Its keys are torchvision's.</summary>
/// <remarks>
/// He et al. 2016, <see href="https://arxiv.org/abs/1512.03385"/>. Each training forward pass supports one backward
/// pass, because the backward pass frees the activations. Sum losses before the backward pass. A second backward pass
/// over a retained graph ends the process with a message.
/// </remarks>
public sealed class Encoder : Module<Tensor, Tensor>
{
    private readonly Convolution conv1;
    private readonly SplitBatchNorm bn1;
    private readonly ModeSequential layer1;
    private readonly ModeSequential layer2;
    private readonly ModeSequential layer3;
    private readonly ModeSequential layer4;
    private readonly Module fc;
    private readonly bool _pools;
    private readonly int _bnGroups;
    private readonly bool _usesCheckpointing;
    private readonly IProcessGroup? _syncGroup;

    /// <summary>An encoder with torchvision's initialization.</summary>
    /// <param name="options">The architecture.</param>
    /// <param name="outputSize">Size of the head's output, C; ignored without a head, where the size is D.</param>
    /// <param name="bnGroups">
    /// Groups of this process's batch that are normalized separately (see <see cref="SplitBatchNorm"/>).
    /// </param>
    /// <param name="random">Draws the weights; the same state gives the same weights.</param>
    /// <param name="syncGroup">
    /// Ranks whose global batch BatchNorm normalizes as one group. Requires one group per process. Null normalizes only
    /// this process's batch.
    /// </param>
    /// <exception cref="ArgumentException">The options are invalid; the message lists all faults.</exception>
    public Encoder(
        EncoderOptions options, int outputSize, int bnGroups, Generator random, IProcessGroup? syncGroup = null)
        : base(nameof(Encoder))
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputSize);
        var faults = options.Validate().ToList();
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
        _usesCheckpointing = options.ActivationCheckpointing;
        _syncGroup = syncGroup is { Size: > 1 } ? syncGroup : null;
        conv1 = options.Stem switch
        {
            EncoderStem.ImageNet => new Convolution(3, width, kernel: 7, stride: 2),
            EncoderStem.Small => new Convolution(3, width, kernel: 3, stride: 2),
            _ => new Convolution(3, width, kernel: 3, stride: 1),
        };
        bn1 = new SplitBatchNorm(width, bnGroups);
        layer1 = ResidualStage.Create(options.Depth, inputs: width, width, blocks[0], stride: 1, bnGroups);
        layer2 = ResidualStage.Create(
            options.Depth, inputs: width * expansion, width * 2, blocks[1], stride: 2, bnGroups);
        layer3 = ResidualStage.Create(
            options.Depth, inputs: width * 2 * expansion, width * 4, blocks[2], stride: 2, bnGroups);
        layer4 = ResidualStage.Create(
            options.Depth, inputs: width * 4 * expansion, width * 8, blocks[3], stride: 2, bnGroups);
        fc = Head.Create(options, FeatureSize, outputSize, bnGroups);
        RegisterComponents();
        TorchvisionInitialization.Apply(this, random);
        ChannelsLast.Apply(this);
    }

    /// <summary>The architecture.</summary>
    public EncoderOptions Options { get; }

    /// <summary>Size of the head's output, C.</summary>
    public int OutputSize { get; }

    /// <summary>
    /// Size of the pooled features, D. At width 64: 512 for ResNet-18 and 34, 2048 for deeper ResNets.
    /// </summary>
    public int FeatureSize { get; }

    /// <summary>
    /// The type in which convolutions and linear layers compute. Images and outputs keep the type of the weights.
    /// </summary>
    public Precision Precision { get; set; }

    /// <summary>The parts that report when their gradients are complete, last part first.</summary>
    internal static IReadOnlyList<string> GradientParts { get; } =
    [nameof(fc), nameof(layer4), nameof(layer3), nameof(layer2), nameof(layer1)];

    /// <summary>Receives the progress of training passes; null for none.</summary>
    internal IGradientWatch? GradientWatch { get; set; }

    /// <summary>Embeddings: the head's output, not L2-normalized.</summary>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <returns>Shape [N, C].</returns>
    public override Tensor forward(Tensor images) => forward(images, BatchNormMode.Default);

    /// <summary>
    /// Embeddings with a given BatchNorm mode. Recomputation in the backward pass uses the same mode.
    /// </summary>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <param name="mode">Its ranks are replaced by this encoder's.</param>
    /// <returns>Shape [N, C].</returns>
    internal Tensor forward(Tensor images, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        mode = mode with { SyncGroup = _syncGroup };
        if (!Splits(mode) || !Head.HasNorm(Options.Head))
        {
            return Embeddings(Features(images, mode), mode).MoveToOuterDisposeScope();
        }

        var embeddings = Embeddings(Pooled(BatchGroups.Gather(images, _bnGroups), mode), mode);
        return BatchGroups.Scatter(embeddings, _bnGroups).MoveToOuterDisposeScope();
    }

    /// <summary>Pooled features, before the head: what evaluation and transfer use.</summary>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <returns>Shape [N, D].</returns>
    public Tensor Features(Tensor images) => Features(images, BatchNormMode.Default with { SyncGroup = _syncGroup });

    private Tensor Features(Tensor images, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        var features = Pooled(Splits(mode) ? BatchGroups.Gather(images, _bnGroups) : ChannelsLast.From(images), mode);
        return (Splits(mode) ? BatchGroups.Scatter(features, _bnGroups) : features).MoveToOuterDisposeScope();
    }

    private Tensor Embeddings(Tensor features, BatchNormMode mode) =>
        ModeSequential
            .Call(fc, InComputeType(GradientBoundary.Insert(features, GradientWatch, nameof(fc))), mode)
            .to(bn1.Type);

    private bool Splits(BatchNormMode mode) => training && _bnGroups > 1 && !mode.SingleGroup;

    // [N, 3, H, W], channels last, group by group -> [N, D]
    private Tensor Pooled(Tensor images, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        var hidden = InComputeType(images);
        hidden = bn1.NormalizeAddRelu(conv1.call(hidden), mode);
        if (_pools)
        {
            hidden = functional.max_pool2d(hidden, kernel_size: 3, stride: 2, padding: 1);
        }

        foreach (
            var (name, stage) in new[]
            {
                (nameof(layer1), layer1), (nameof(layer2), layer2), (nameof(layer3), layer3), (nameof(layer4), layer4),
            })
        {
            hidden = GradientBoundary.Insert(hidden, GradientWatch, name);
            hidden = _usesCheckpointing
                ? ActivationCheckpointing.Run(
                    hidden,
                    (input, again) => stage.call(input, again ? mode with { UpdatesRunningStatistics = false } : mode))
                : stage.call(hidden, mode);
        }

        return hidden.mean([2, 3]).to(bn1.Type).MoveToOuterDisposeScope(); // [N, D, H', W'] -> [N, D]
    }

    private Tensor InComputeType(Tensor input) => input.to(Precision.Type(bn1.Type));
}
