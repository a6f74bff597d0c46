using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of supervised training, the first row of the paper's tables.</summary>
public sealed record SupervisedOptions : IMethodOptions
{
    /// <summary>Number of classes; 0 uses the classes of the data, and config.json records their number.</summary>
    public int Classes { get; init; }

    string IMethodOptions.Name => "supervised";

    int IMethodOptions.Dimension => Math.Max(1, Classes);

    int IMethodOptions.ViewsPerImage => 1;

    bool IMethodOptions.LearnsLabels => true;

    /// <inheritdoc/>
    public PretrainMethod Create(MethodBuild build) =>
        Supervised.Create(build.Encoder, this, build.BnGroups, build.Seed, build.Group, build.SyncNorm);

    /// <inheritdoc/>
    public string Describe() => $"supervised, {Classes} classes";

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (Classes is < 0 or 1 or > 1_000_000)
        {
            yield return $"supervised.classes is {Classes}, expected 2 or more, or 0 for those of the data.";
        }
    }
}

/// <summary>
/// Supervised training of the same encoder, the baseline of self-supervised methods. The head returns a score for each
/// class.
/// </summary>
internal sealed class Supervised : PretrainMethod
{
    private readonly Encoder encoder;
    private Tensor? _labels; // [N / ranks], of the current step

    private Supervised(
        EncoderOptions encoderOptions, int classes, int bnGroups, long seed, IProcessGroup group, bool syncNorm)
        : base(nameof(Supervised))
    {
        using var random = new Generator(RandomStreams.Weights(seed));
        encoder = new Encoder(encoderOptions, classes, bnGroups / group.Size, random, syncNorm ? group : null);
        RegisterComponents();
    }

    /// <summary>Creates the encoder with its classifier.</summary>
    /// <param name="encoder">The architecture; head "linear" is the standard network.</param>
    /// <param name="options">Contains the number of classes.</param>
    /// <param name="bnGroups">BN groups of the global batch; the number of ranks divides it.</param>
    /// <param name="seed">Fixes the weights.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <param name="syncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static Supervised Create(
        EncoderOptions encoder, SupervisedOptions options, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(group);
        MethodFaults.ThrowIfAny(encoder, options, bnGroups, group);
        return options.Classes > 1
            ? new Supervised(encoder, options.Classes, bnGroups, seed, group, syncNorm)
            : throw new ArgumentException(
                "supervised.classes is 0: the number of classes must be settled before the network is made.",
                nameof(options));
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

    /// <inheritdoc/>
    internal override void Prepare(StepSamples samples)
    {
        _labels?.Dispose();
        _labels = tensor([.. samples.Labels.Select(label => (long)label)]).DetachFromDisposeScope();
    }

    /// <summary>The mean cross-entropy of the labels.</summary>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">Not used: the label replaces the other view.</param>
    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        if (_labels is not { } known || known.shape[0] != queryViews.shape[0])
        {
            throw new InvalidOperationException(
                $"The labels of the {queryViews.shape[0]} images of this step are missing: call Prepare with them " +
                "before the step.");
        }

        using var scope = NewDisposeScope();
        var labels = DeviceCopy.To(known, queryViews.device);
        var scores = encoder.call(queryViews); // [N / ranks, classes]
        // Images without a label are ignored.
        var loss = functional.cross_entropy(scores, labels, ignore_index: -1);
        scope.MoveToOuter(loss);
        Tensor? accuracy = null;
        if (MeasuresContrast)
        {
            using var noGrad = no_grad();
            var nearer = scores.gt(scores.gather(1, labels.clamp_min(Held(0L)).unsqueeze(1))).sum(1);
            accuracy = stack([nearer.lt(Held(1L)), nearer.lt(Held(5L))])
                .to(float32)
                .mean([1])
                .MoveToOuterDisposeScope();
        }

        return new(loss, scores.detach().MoveToOuterDisposeScope(), accuracy);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _labels?.Dispose();
        base.Dispose(disposing);
    }
}
