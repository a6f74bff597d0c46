using System.ComponentModel;
using System.Text.Json.Serialization;
using MoCoSharp.Data;
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

/// <summary>The loss of learning against a memory bank.</summary>
[JsonConverter(typeof(EnumNameConverter<MemoryBankLoss>))]
public enum MemoryBankLoss
{
    /// <summary>MoCo's softmax over K features of the bank, sampled in each step and shared by its images.</summary>
    [JsonStringEnumMemberName("info-nce"), Description("MoCo's baseline")]
    InfoNce,

    /// <summary>
    /// InstDisc's binary classification of K features sampled for each image. The first batch sets its constant
    /// normalizer.
    /// </summary>
    [JsonStringEnumMemberName("nce"), Description("InstDisc")]
    Nce,
}

/// <summary>The hyper-parameters of learning against a memory bank.</summary>
/// <remarks>
/// Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/> (InstDisc); with InfoNCE, He et al. 2020,
/// <see href="https://arxiv.org/abs/1911.05722"/>, figure 2b.
/// </remarks>
public sealed record MemoryBankOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>The loss.</summary>
    public MemoryBankLoss Loss { get; init; } = MemoryBankLoss.InfoNce;

    /// <summary>K, the number of sampled negatives, above 0; 65536 in MoCo's baseline, 4096 in InstDisc.</summary>
    public int Negatives { get; init; } = 65536;

    /// <summary>Weight of the old feature when its image is seen again, in [0, 1); 0.5 in both papers.</summary>
    public double Momentum { get; init; } = 0.5;

    /// <summary>τ, above 0; 0.07 in both papers.</summary>
    public double Temperature { get; init; } = 0.07;

    string IMethodOptions.Name => "memoryBank";

    int IMethodOptions.ViewsPerImage => 1;

    /// <inheritdoc/>
    public PretrainMethod Create(MethodBuild build) =>
        MemoryBank.Create(build.Encoder, this, build.Images, build.BnGroups, build.Seed, build.Group, build.SyncNorm);

    /// <inheritdoc/>
    public string Describe() =>
        $"memory bank, {(Loss == MemoryBankLoss.Nce ? "InstDisc's NCE" : "InfoNCE")}, {Negatives} negatives";

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (Dimension < 1)
        {
            yield return $"memoryBank.dimension is {Dimension}, expected a number above 0. MoCo and InstDisc use 128.";
        }

        if (EnumNames.Fault("memoryBank.loss", Loss) is { } loss)
        {
            yield return loss;
        }

        if (Negatives < 1)
        {
            yield return $"memoryBank.negatives is {Negatives}, expected a number above 0. MoCo's baseline uses " +
                "65536, InstDisc 4096.";
        }

        if (!(Momentum is >= 0 and < 1))
        {
            yield return $"memoryBank.momentum is {Momentum}, expected 0 to below 1: the share of the old feature " +
                "that stays. Both papers use 0.5.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"memoryBank.temperature is {Temperature}, expected a number above 0. Both papers use 0.07.";
        }
    }
}

/// <summary>
/// Instance discrimination with a memory bank: each image is its own class. A view is classified against stored
/// features of other images.
/// </summary>
/// <remarks>
/// Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, and the baseline of He et al. 2020,
/// <see href="https://arxiv.org/abs/1911.05722"/>, figure 2b. The samples are a pure function of seed, step and query,
/// so they are the same on every rank and after a resume.
/// </remarks>
internal sealed class MemoryBank : PretrainMethod
{
    private readonly Encoder encoder;
    private readonly FeatureBank bank;
    private readonly Tensor normalizer; // [1]: Z of NCE; 0 until the first batch sets it
    private readonly MemoryBankOptions _options;
    private readonly IProcessGroup _group;
    private Tensor? _images; // [N / ranks], of the current step
    private long _step;

    private MemoryBank(
        EncoderOptions encoderOptions, MemoryBankOptions options, int images, int bnGroups, long seed,
        IProcessGroup group, bool syncNorm)
        : base(nameof(MemoryBank))
    {
        _options = options;
        _group = group;
        Draws = (step, query) => Draw(seed, step, query, options.Negatives, images);
        using var random = new Generator(RandomStreams.Weights(seed));
        encoder = new Encoder(
            encoderOptions, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        bank = new FeatureBank(images, options.Dimension, random);
        normalizer = zeros(1).DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>Creates an encoder and a bank of random features.</summary>
    /// <param name="encoder">The architecture of the encoder.</param>
    /// <param name="options">The method's hyper-parameters.</param>
    /// <param name="images">M, images in the data set, above 0.</param>
    /// <param name="bnGroups">BN groups of the global batch; the number of ranks divides it.</param>
    /// <param name="seed">Fixes the weights, the bank and the draws.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <param name="syncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static MemoryBank Create(
        EncoderOptions encoder, MemoryBankOptions options, int images, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm = false)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(images);
        MethodFaults.ThrowIfAny(encoder, options, bnGroups, group);
        return new MemoryBank(encoder, options, images, bnGroups, seed, group, syncNorm);
    }

    /// <inheritdoc/>
    public override Encoder Encoder => encoder;

    /// <summary>The stored feature of each image.</summary>
    public FeatureBank Bank => bank;

    /// <inheritdoc/>
    public override Precision Precision
    {
        get => encoder.Precision;
        set => encoder.Precision = value;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters =>
        [.. encoder.named_parameters().Select(item => ($"{nameof(encoder)}.{item.name}", item.parameter))];

    /// <summary>
    /// (step, query of the global batch) -> K images. Tests replace it. InfoNCE samples once per step, as query 0.
    /// </summary>
    internal Func<long, long, long[]> Draws { get; set; }

    /// <inheritdoc/>
    internal override void Prepare(StepSamples samples)
    {
        _images?.Dispose();
        _images = DeviceCopy.Rows([.. samples.Indices.Select(index => (long)index)], bank.Features.device)
            .DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override void BeforeStep(long step) => _step = step;

    /// <summary>The loss of a batch.</summary>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">Not used: the bank replaces the other view.</param>
    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        var images = Images(queryViews);
        using var scope = NewDisposeScope();
        var query = functional.normalize(encoder.call(queryViews), dim: 1); // [N / ranks, C]
        var (loss, accuracy) = _options.Loss == MemoryBankLoss.Nce ? Nce(query, images) : InfoNceOf(query, images);
        scope.MoveToOuter(loss);
        accuracy?.MoveToOuterDisposeScope();
        var kept = query.detach().MoveToOuterDisposeScope();
        return new(loss, kept, accuracy, MeasuresContrast ? kept.alias().MoveToOuterDisposeScope() : null);
    }

    /// <summary>Updates the bank with the features of all ranks.</summary>
    public override void AfterBackward(StepOutput output)
    {
        using var scope = NewDisposeScope();
        bank.Update(
            BatchOrder.Gather(_group, Images(output.Keys)),
            BatchOrder.Gather(_group, output.Keys),
            _options.Momentum);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _images?.Dispose();
        base.Dispose(disposing);
    }

    private (Tensor Loss, Tensor? Accuracy) InfoNceOf(Tensor query, Tensor images)
    {
        var negatives = bank.Get(DeviceCopy.Rows(Draws(_step, 0), query.device)); // [K, C]
        return InfoNce.Loss(query, bank.Get(images), negatives, _options.Temperature, MeasuresContrast);
    }

    private (Tensor Loss, Tensor? Accuracy) Nce(Tensor query, Tensor images)
    {
        var draws = DeviceCopy.To(
            stack([
                .. Enumerable
                    .Range(0, (int)query.shape[0])
                    .Select(i => tensor(Draws(_step, ((long)i * _group.Size) + _group.Rank))),
            ]),
            query.device); // [N / ranks, K]
        if (_step == 0)
        {
            using var noGrad = no_grad();
            var first = InstDiscNce.Normalizer(query, bank.Features, images, draws, _options.Temperature);
            _group.AllReduceSum(first);
            normalizer.copy_(first.div_(Scalars.Held((double)_group.Size)));
        }

        return InstDiscNce.Loss(
            query, bank.Features, images, draws, normalizer, _options.Temperature, MeasuresContrast);
    }

    private Tensor Images(Tensor views) => _images is { } images && images.shape[0] == views.shape[0]
        ? images
        : throw new InvalidOperationException(
            $"The memory bank does not know the {views.shape[0]} images of this step: call Prepare with their " +
            "indices before the step.");

    private static long[] Draw(long seed, long step, long query, int count, int images)
    {
        var random = RandomStreams.MemoryBankNegatives(seed, step, query);
        var draws = new long[count];
        for (var i = 0; i < count; i++)
        {
            draws[i] = random.NextInt(images);
        }

        return draws;
    }
}
