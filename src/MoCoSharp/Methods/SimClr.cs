using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Losses;
using MoCoSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of SimCLR.</summary>
/// <remarks>Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>.</remarks>
public sealed record SimClrOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>τ of the softmax, above 0; 0.1 for ImageNet in the paper, 0.5 for CIFAR-10.</summary>
    public double Temperature { get; init; } = 0.1;

    /// <summary>
    /// Gradient caching: only the embeddings of the whole batch are kept, and each BN group passes through the encoder
    /// a second time for its gradient. This needs the activations of one group instead of all, and a third more time.
    /// Loss and gradient are the same for the same bnGroups.
    /// </summary>
    public bool GradientCache { get; init; }

    string IMethodOptions.Name => "simClr";

    /// <inheritdoc/>
    public PretrainMethod Create(MethodBuild build) =>
        SimClr.Create(build.Encoder, this, build.BnGroups, build.Seed, build.Group, build.SyncNorm);

    /// <inheritdoc/>
    public string Describe() => $"SimCLR{(GradientCache ? ", gradient cache" : "")}";

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (Dimension < 1)
        {
            yield return $"simClr.dimension is {Dimension}, expected a number above 0. SimCLR uses 128.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"simClr.temperature is {Temperature}, expected a number above 0. SimCLR uses 0.1 for " +
                "ImageNet, 0.5 for CIFAR-10.";
        }
    }
}

/// <summary>
/// SimCLR: the embeddings of two views of an image attract each other, and repel all other views of the batch.
/// </summary>
/// <remarks>
/// Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>. Both views pass as one batch of 2N, as in the
/// official code, so BatchNorm normalizes them together.
/// </remarks>
internal sealed class SimClr : PretrainMethod
{
    private readonly Encoder encoder;
    private readonly SimClrOptions _options;
    private readonly IProcessGroup _group;
    private readonly GradientCache? _cache;

    private SimClr(
        EncoderOptions encoderOptions, SimClrOptions options, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm)
        : base(nameof(SimClr))
    {
        _options = options;
        _group = group;
        using var random = new Generator(RandomStreams.Weights(seed));
        encoder = new Encoder(
            encoderOptions, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        _cache = options.GradientCache ? new GradientCache(encoder, bnGroups / group.Size) : null;
        RegisterComponents();
    }

    /// <summary>Creates the encoder.</summary>
    /// <param name="encoder">The architecture; SimCLR uses the head "mlp-bn".</param>
    /// <param name="options">The method's hyper-parameters.</param>
    /// <param name="bnGroups">BN groups of the global batch; the number of ranks divides it.</param>
    /// <param name="seed">Fixes the weights.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <param name="syncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static SimClr Create(
        EncoderOptions encoder, SimClrOptions options, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm = false)
    {
        ArgumentNullException.ThrowIfNull(group);
        MethodFaults.ThrowIfAny(encoder, options, bnGroups, group);
        return new SimClr(encoder, options, bnGroups, seed, group, syncNorm);
    }

    /// <inheritdoc/>
    public override Encoder Encoder => encoder;

    /// <inheritdoc/>
    public override Precision Precision
    {
        get => encoder.Precision;
        set => encoder.Precision = value;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters =>
        [.. encoder.named_parameters().Select(item => ($"{nameof(encoder)}.{item.name}", item.parameter))];

    /// <summary>The loss of a batch.</summary>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">Another view of the same images. The same shape.</param>
    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        using var scope = NewDisposeScope();
        var views = cat([ChannelsLast.From(queryViews), ChannelsLast.From(keyViews)]); // [2N / ranks, 3, H, W]
        var embeddings = functional.normalize(_cache is null ? encoder.call(views) : _cache.Embed(views), dim: 1);
        var (first, second) = (
            embeddings.narrow(0, 0, queryViews.shape[0]),
            embeddings.narrow(0, queryViews.shape[0], keyViews.shape[0]));
        var (loss, accuracy) = NtXent.Loss(first, second, _options.Temperature, _group, MeasuresContrast);
        scope.MoveToOuter(loss);
        accuracy?.MoveToOuterDisposeScope();
        return new(
            loss, second.detach().MoveToOuterDisposeScope(), accuracy,
            MeasuresContrast ? first.detach().MoveToOuterDisposeScope() : null);
    }

    /// <inheritdoc/>
    public override void Backward(StepOutput output)
    {
        base.Backward(output);
        _cache?.Backward();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _cache?.Dispose();
        base.Dispose(disposing);
    }
}
