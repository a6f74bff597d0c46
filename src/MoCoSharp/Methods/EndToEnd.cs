using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Losses;
using MoCoSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of end-to-end contrastive learning.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, figure 2a.</remarks>
public sealed record EndToEndOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>τ of the softmax, above 0.</summary>
    public double Temperature { get; init; } = 0.07;

    /// <summary>
    /// Whether one encoder makes queries and keys. Otherwise keys have a second encoder with separate weights, and both
    /// learn.
    /// </summary>
    public bool SharedEncoder { get; init; }

    /// <summary>
    /// Whether keys are normalized in other BN groups than their queries. The gradient passes through the shuffle.
    /// </summary>
    public bool Shuffle { get; init; } = true;

    string IMethodOptions.Name => "endToEnd";

    string IMethodOptions.EncoderPrefix => "encoder_q.";

    string? IMethodOptions.KeyEncoderPrefix => SharedEncoder ? null : "encoder_k.";

    /// <inheritdoc/>
    public PretrainMethod Create(MethodBuild build) =>
        EndToEnd.Create(build.Encoder, this, build.BnGroups, build.Seed, build.Group, build.SyncNorm);

    /// <inheritdoc/>
    public string Describe() => $"end-to-end, {(SharedEncoder ? "one encoder" : "two encoders")}";

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (Dimension < 1)
        {
            yield return $"endToEnd.dimension is {Dimension}, expected a number above 0. MoCo uses 128.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"endToEnd.temperature is {Temperature}, expected a number above 0. MoCo v1 uses 0.07.";
        }
    }
}

/// <summary>
/// End-to-end contrastive learning, which MoCo builds on. The keys come from the same batch, and the gradient updates
/// both encoders.
/// </summary>
/// <remarks>
/// He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, figure 2a and section 3.1: a query has one negative
/// for each other image of the batch. Keys are shuffled among BN groups as in MoCo; the gradient passes through the
/// shuffle.
/// </remarks>
internal sealed class EndToEnd : PretrainMethod
{
    private readonly Encoder encoder_q;
    private readonly Encoder? encoder_k;
    private readonly EndToEndOptions _options;
    private readonly IProcessGroup _group;
    private long _step;

    private EndToEnd(
        EncoderOptions encoder, EndToEndOptions options, int bnGroups, long seed, IProcessGroup group, bool syncNorm)
        : base(nameof(EndToEnd))
    {
        _options = options;
        _group = group;
        KeyOrders = (step, half, count) => KeyShuffle.Order(seed, step, half, count);
        using var random = new Generator(RandomStreams.Weights(seed));
        encoder_q = new Encoder(encoder, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        encoder_k = options.SharedEncoder
            ? null
            : new Encoder(encoder, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        RegisterComponents();
        encoder_k?.load_state_dict(encoder_q.state_dict());
    }

    /// <summary>Creates one shared encoder, or two that start equal.</summary>
    /// <param name="encoder">The architecture of both encoders.</param>
    /// <param name="options">The method's hyper-parameters.</param>
    /// <param name="bnGroups">BN groups of the global batch; the number of ranks divides it.</param>
    /// <param name="seed">Fixes the weights and the shuffles.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <param name="syncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static EndToEnd Create(
        EncoderOptions encoder, EndToEndOptions options, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm = false)
    {
        ArgumentNullException.ThrowIfNull(group);
        MethodFaults.ThrowIfAny(encoder, options, bnGroups, group);
        return new EndToEnd(encoder, options, bnGroups, seed, group, syncNorm);
    }

    /// <summary>The query encoder f_q.</summary>
    public override Encoder Encoder => encoder_q;

    /// <summary>The key encoder f_k, which also learns; null if the encoder is shared.</summary>
    public override Encoder? KeyEncoder => encoder_k;

    /// <inheritdoc/>
    public override Precision Precision
    {
        get => encoder_q.Precision;
        set
        {
            encoder_q.Precision = value;
            if (encoder_k is not null)
            {
                encoder_k.Precision = value;
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters =>
        [.. named_parameters().Select(item => (item.name, item.parameter))];

    /// <summary>(step, half, N) -> permutation. Tests replace it.</summary>
    internal Func<long, int, long, long[]> KeyOrders { get; set; }

    /// <inheritdoc/>
    public override void BeforeStep(long step) => _step = step;

    /// <summary>The loss of a batch.</summary>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">Another view of the same images. The same shape.</param>
    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        using var scope = NewDisposeScope();
        var query = functional.normalize(encoder_q.call(queryViews), dim: 1); // [N / ranks, C]
        var keys = Keys(keyViews);                                            // [N, C]
        var logits = query.mm(keys.t()).div(Held(_options.Temperature));      // [N / ranks, N]
        // The positive of query i is key i.
        var own = BatchOrder.LocalShard(_group, Indices.UpTo(keys.shape[0], keys.device)).contiguous();
        var loss = functional.cross_entropy(logits, own);
        var accuracy = MeasuresContrast ? ShareOfNearest(logits.detach(), own) : null;
        scope.MoveToOuter(loss);
        accuracy?.MoveToOuterDisposeScope();
        return new(
            loss, keys.detach().MoveToOuterDisposeScope(), accuracy,
            MeasuresContrast ? query.detach().MoveToOuterDisposeScope() : null);
    }

    // Keys of the global batch in batch order, with their gradient. A key's BN group may differ from its query's.
    private Tensor Keys(Tensor views)
    {
        var encoder = encoder_k ?? encoder_q;
        if (!_options.Shuffle)
        {
            return DifferentiableGather.Of(_group, functional.normalize(encoder.call(views), dim: 1));
        }

        var batch = BatchOrder.Gather(_group, views);
        var order = DeviceCopy.Rows(KeyOrders(_step, 0, batch.shape[0]), views.device);
        var shuffled = ChannelsLast.Select(batch, BatchOrder.LocalShard(_group, order).contiguous());
        var keys = DifferentiableGather.Of(_group, functional.normalize(encoder.call(shuffled), dim: 1));
        return keys.index_select(0, order.argsort());
    }

    private static Tensor ShareOfNearest(Tensor logits, Tensor own)
    {
        using var scope = NewDisposeScope();
        var nearer = logits.gt(logits.gather(1, own.unsqueeze(1))).sum(1); // [N / ranks]
        return stack([nearer.lt(Held(1L)), nearer.lt(Held(5L))]).to(float32).mean([1]).MoveToOuterDisposeScope();
    }
}
