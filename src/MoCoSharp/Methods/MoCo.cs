using MoCoSharp.Data;
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

/// <summary>The hyper-parameters of momentum contrast.</summary>
public sealed record MoCoOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>Number of keys in the queue, K, above 0; any batch fits.</summary>
    public int QueueSize { get; init; } = 65536;

    /// <summary>
    /// The type of the keys in the queue. bf16 halves its size and the time of the loss, with an error of 2e-3 in the
    /// gradient.
    /// </summary>
    public Precision QueuePrecision { get; init; } = Precision.Fp32;

    /// <summary>m of the key encoder's update, in [0, 1].</summary>
    public double Momentum { get; init; } = 0.999;

    /// <summary>τ of the softmax, above 0; 0.07 in MoCo v1, 0.2 in v2.</summary>
    public double Temperature { get; init; } = 0.2;

    /// <summary>
    /// Whether each view serves as query and as key. The loss is the mean of both halves; the cost doubles.
    /// </summary>
    public bool Symmetric { get; init; }

    /// <summary>
    /// Whether keys are normalized in other BN groups than their queries. Has no effect with one group.
    /// </summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Whether the other keys of the batch are negatives too, as in MoCo v3 (arXiv 2104.02057). Without them, a query
    /// may learn to tell keys of the present encoder from older ones instead of telling images apart.
    /// </summary>
    public bool BatchNegatives { get; init; }

    string IMethodOptions.Name => "moco";

    string IMethodOptions.EncoderPrefix => "encoder_q.";

    string IMethodOptions.KeyEncoderPrefix => "encoder_k.";

    /// <inheritdoc/>
    public PretrainMethod Create(MethodBuild build) =>
        MoCo.Create(build.Encoder, this, build.BnGroups, build.Seed, build.Group, build.SyncNorm);

    /// <inheritdoc/>
    public string Describe() => $"MoCo, {QueueSize} keys";

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (Dimension < 1)
        {
            yield return $"moco.dimension is {Dimension}, expected a number above 0. MoCo uses 128.";
        }

        if (QueueSize < 1)
        {
            yield return $"moco.queueSize is {QueueSize}, expected a number above 0. MoCo uses 65536.";
        }

        if (EnumNames.Fault("moco.queuePrecision", QueuePrecision) is { } precision)
        {
            yield return precision;
        }

        if (!(Momentum is >= 0 and <= 1))
        {
            yield return $"moco.momentum is {Momentum}, expected 0 to 1. MoCo uses 0.999: the share of the old key " +
                "encoder that stays.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"moco.temperature is {Temperature}, expected a number above 0. MoCo v2 uses 0.2.";
        }
    }
}

/// <summary>
/// Momentum contrast: a query is classified against the keys of a queue. The keys come from a momentum encoder.
/// </summary>
/// <remarks>
/// He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>; v2: Chen et al. 2020,
/// <see href="https://arxiv.org/abs/2003.04297"/>.
/// </remarks>
internal sealed class MoCo : PretrainMethod
{
    private readonly Encoder encoder_q;
    private readonly Encoder encoder_k;
    private readonly KeyQueue queue;
    private readonly MoCoOptions _options;
    private readonly IProcessGroup _group;
    private long _step;

    private MoCo(
        EncoderOptions encoder, MoCoOptions options, int bnGroups, long seed, IProcessGroup group, bool syncNorm)
        : base(nameof(MoCo))
    {
        _options = options;
        _group = group;
        KeyOrders = (step, half, count) => KeyShuffle.Order(seed, step, half, count);

        using var random = new Generator(RandomStreams.Weights(seed));
        encoder_q = new Encoder(encoder, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        encoder_k = new Encoder(encoder, options.Dimension, bnGroups / group.Size, random, syncNorm ? group : null);
        queue = new KeyQueue(options.Dimension, options.QueueSize, random, options.QueuePrecision);
        RegisterComponents();

        encoder_k.load_state_dict(encoder_q.state_dict());
        foreach (var parameter in encoder_k.parameters())
        {
            parameter.requires_grad = false;
        }
    }

    /// <summary>Creates two equal encoders and a queue of random keys.</summary>
    /// <param name="encoder">The architecture of both encoders.</param>
    /// <param name="options">The method's hyper-parameters.</param>
    /// <param name="bnGroups">BN groups of the global batch; the number of ranks divides it.</param>
    /// <param name="seed">Fixes the weights, the queue and the shuffles.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <param name="syncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static MoCo Create(
        EncoderOptions encoder, MoCoOptions options, int bnGroups, long seed, IProcessGroup group,
        bool syncNorm = false)
    {
        ArgumentNullException.ThrowIfNull(group);
        MethodFaults.ThrowIfAny(encoder, options, bnGroups, group);
        return new MoCo(encoder, options, bnGroups, seed, group, syncNorm);
    }

    /// <summary>The query encoder f_q: trained, and saved as the result.</summary>
    public override Encoder Encoder => encoder_q;

    /// <summary>The key encoder f_k: a moving average of the query encoder.</summary>
    public override Encoder KeyEncoder => encoder_k;

    /// <summary>The negatives.</summary>
    public KeyQueue Queue => queue;

    /// <inheritdoc/>
    public override Precision Precision
    {
        get => encoder_q.Precision;
        set => encoder_q.Precision = encoder_k.Precision = value;
    }

    /// <inheritdoc/>
    // not cached: a move to another device or type replaces parameters
    public override IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters =>
        [.. encoder_q.named_parameters().Select(item => ($"{nameof(encoder_q)}.{item.name}", item.parameter))];

    /// <inheritdoc/>
    public override Tensor? Negatives => queue.Keys;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, long> HostState =>
        new Dictionary<string, long>(StringComparer.Ordinal) { ["queue.position"] = queue.Position };

    /// <summary>(step, half, N) -> permutation. Tests replace it.</summary>
    internal Func<long, int, long, long[]> KeyOrders { get; set; }

    /// <inheritdoc/>
    public override void RestoreHostState(IReadOnlyDictionary<string, long> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        queue.Resume(state["queue.position"]);
    }

    /// <summary>Moves the key encoder towards the query encoder, except for its BatchNorm statistics.</summary>
    /// <param name="step">Steps done before this one; determines the shuffle.</param>
    public override void BeforeStep(long step)
    {
        _step = step;
        using var noGrad = no_grad();
        // θ_k = m θ_k + (1 - m) θ_q
        MovingAverage.Update(encoder_k.parameters(), encoder_q.parameters(), _options.Momentum);
    }

    /// <summary>The loss of a batch, and its keys.</summary>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">Another view of the same images. The same shape.</param>
    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        using var scope = NewDisposeScope();
        var keys = EncodeKeys(keyViews, half: 0, _options.Shuffle); // [N, C]; before the query stores activations
        var otherKeys = _options.Symmetric ? EncodeKeys(queryViews, half: 1, _options.Shuffle) : null;
        var output = Contrast(queryViews, keys);
        if (otherKeys is not null)
        {
            var other = Contrast(keyViews, otherKeys);
            output = new(
                output.Loss.add(other.Loss, One).div(Held(2L)),
                cat([output.Keys, other.Keys]),
                output.ContrastAccuracy is null
                    ? null
                    : output.ContrastAccuracy.add(other.ContrastAccuracy!, One).div(Held(2L)),
                output.Query);
        }

        scope.MoveToOuter(output.Loss, output.Keys);
        output.ContrastAccuracy?.MoveToOuterDisposeScope();
        output.Query?.MoveToOuterDisposeScope();
        return output;
    }

    /// <summary>Enqueues the keys. The loss no longer needs the keys that they replace.</summary>
    public override void AfterBackward(StepOutput output) => queue.Enqueue(output.Keys);

    /// <inheritdoc/>
    public override Tensor? ProbeKeys(Tensor keyViews) => EncodeKeys(keyViews, half: 0, shuffle: !_options.Shuffle);

    private StepOutput Contrast(Tensor queryViews, Tensor keys)
    {
        var query = functional.normalize(encoder_q.call(queryViews), dim: 1); // [N / ranks, C]
        var own = _options.BatchNegatives
            ? BatchOrder.LocalShard(_group, Indices.UpTo(keys.shape[0], keys.device)).contiguous()
            : null;
        var (loss, accuracy) = InfoNce.Loss(
            query, BatchOrder.LocalShard(_group, keys), queue.Keys, _options.Temperature, MeasuresContrast,
            own is null ? null : keys, own);
        return new(loss, keys, accuracy, MeasuresContrast ? query.detach() : null);
    }

    // Keys of the global batch in batch order. A key's BN group may differ from its query's.
    private Tensor EncodeKeys(Tensor views, int half, bool shuffle)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (!shuffle)
        {
            return BatchOrder
                .Gather(_group, functional.normalize(encoder_k.call(views), dim: 1))
                .MoveToOuterDisposeScope();
        }

        var batch = BatchOrder.Gather(_group, views);
        var order = DeviceCopy.Rows(KeyOrders(_step, half, batch.shape[0]), views.device);
        var shuffled = ChannelsLast.Select(batch, BatchOrder.LocalShard(_group, order).contiguous());
        var keys = BatchOrder.Gather(_group, functional.normalize(encoder_k.call(shuffled), dim: 1));
        return keys.index_select(0, order.argsort()).MoveToOuterDisposeScope();
    }
}
