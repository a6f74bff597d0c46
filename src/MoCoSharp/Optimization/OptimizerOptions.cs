using System.ComponentModel;
using System.Text.Json.Serialization;
using MoCoSharp.Data;

namespace MoCoSharp.Optimization;

/// <summary>An optimizer.</summary>
[JsonConverter(typeof(EnumNameConverter<OptimizerKind>))]
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum, as MoCo: <see cref="Optimization.Sgd"/>.</summary>
    [JsonStringEnumMemberName("sgd")]
    Sgd,

    /// <summary>
    /// Layer-wise adaptive rate scaling, as SimCLR with large batches: <see cref="Optimization.Lars"/>.
    /// </summary>
    [JsonStringEnumMemberName("lars")]
    Lars,
}

/// <summary>How the batch size scales the learning rate.</summary>
/// <remarks>
/// Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>: 0.3 with linear, 0.075 with sqrt, which is better
/// for small batches.
/// </remarks>
[JsonConverter(typeof(EnumNameConverter<LearningRateScaling>))]
public enum LearningRateScaling
{
    /// <summary>No scaling.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>Multiplied by batchSize / 256.</summary>
    [JsonStringEnumMemberName("linear"), Description("x batchSize / 256")]
    Linear,

    /// <summary>Multiplied by the square root of batchSize.</summary>
    [JsonStringEnumMemberName("sqrt"), Description("x the root of batchSize")]
    Sqrt,
}

/// <summary>The trust ratio of <see cref="Lars"/> for a parameter p with gradient g and weight decay d.</summary>
[JsonConverter(typeof(EnumNameConverter<TrustRatio>))]
public enum TrustRatio
{
    /// <summary>η‖p‖ / ‖g + dp‖, as SimCLR's code.</summary>
    [JsonStringEnumMemberName("norm-of-sum")]
    NormOfSum,

    /// <summary>η‖p‖ / (‖g‖ + d‖p‖), as the paper of You et al.</summary>
    [JsonStringEnumMemberName("sum-of-norms")]
    SumOfNorms,
}

/// <summary>The schedule of the learning rate after the warm-up.</summary>
[JsonConverter(typeof(EnumNameConverter<LearningRateSchedule>))]
public enum LearningRateSchedule
{
    /// <summary>Half a cosine, from the highest rate to 0.</summary>
    [JsonStringEnumMemberName("cosine")]
    Cosine,

    /// <summary>Multiplied by 0.1 at each milestone.</summary>
    [JsonStringEnumMemberName("steps")]
    Steps,

    /// <summary>The highest rate throughout.</summary>
    [JsonStringEnumMemberName("constant")]
    Constant,
}

/// <summary>When the schedule changes the rate.</summary>
[JsonConverter(typeof(EnumNameConverter<ScheduleUnit>))]
public enum ScheduleUnit
{
    /// <summary>At the start of each epoch.</summary>
    [JsonStringEnumMemberName("epoch"), Description("as official")]
    Epoch,

    /// <summary>At each step.</summary>
    [JsonStringEnumMemberName("step")]
    Step,
}

/// <summary>The optimizer and its learning rate schedule.</summary>
public sealed record OptimizerOptions
{
    /// <summary>The optimizer.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;

    /// <summary>
    /// The highest rate, above 0, before <see cref="LearningRateScaling"/>. MoCo's official scale is 0.03 x batchSize /
    /// 256.
    /// </summary>
    public double LearningRate { get; init; } = 0.03;

    /// <summary>How the global batch size scales <see cref="LearningRate"/>.</summary>
    [JsonPropertyName("rule")]
    public LearningRateScaling LearningRateScaling { get; init; } = LearningRateScaling.None;

    /// <summary>Momentum of the velocities, 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>
    /// Weight decay, 0 or more. SGD applies it to all learned parameters, including BatchNorm and biases, as the
    /// official code does. LARS applies it only to weights. SimCLR uses 1e-6.
    /// </summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>The trust coefficient η of LARS, above 0.</summary>
    public double TrustCoefficient { get; init; } = 0.001;

    /// <summary>The trust ratio of LARS.</summary>
    public TrustRatio TrustRatio { get; init; } = TrustRatio.NormOfSum;

    /// <summary>The schedule of the learning rate after the warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>When the schedule moves.</summary>
    [JsonPropertyName("per")]
    public ScheduleUnit ScheduleUnit { get; init; } = ScheduleUnit.Epoch;

    /// <summary>
    /// Epochs at which <see cref="LearningRateSchedule.Steps"/> multiplies the rate by 0.1; 120 and 160 in MoCo v1.
    /// </summary>
    public int[] Milestones { get; init; } = [120, 160];

    /// <summary>
    /// The number of the first epoch in the cosine: 0 as in the official code, or 1 as in the CIFAR demo, whose last
    /// epoch has rate 0.
    /// </summary>
    [JsonPropertyName("firstEpoch")]
    public int CosineOffset { get; init; }

    /// <summary>Steps of linear warm-up at the start; 0 in the official code.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Epochs of linear warm-up, added to <see cref="WarmupSteps"/>; 10 in SimCLR.</summary>
    public double WarmupEpochs { get; init; }

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (EnumNames.Fault("optimizer.kind", Kind) is { } kind)
        {
            yield return kind;
        }

        if (EnumNames.Fault("optimizer.rule", LearningRateScaling) is { } scaling)
        {
            yield return scaling;
        }

        if (!(TrustCoefficient > 0) || double.IsInfinity(TrustCoefficient))
        {
            yield return $"optimizer.trustCoefficient is {TrustCoefficient}, expected a number above 0. SimCLR uses " +
                "0.001.";
        }

        if (EnumNames.Fault("optimizer.trustRatio", TrustRatio) is { } ratio)
        {
            yield return ratio;
        }

        if (!(WarmupEpochs >= 0) || double.IsInfinity(WarmupEpochs))
        {
            yield return $"optimizer.warmupEpochs is {WarmupEpochs}, expected 0 or more. SimCLR uses 10.";
        }

        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
        {
            yield return $"optimizer.learningRate is {LearningRate}, expected a number above 0. MoCo uses 0.03 x " +
                "batchSize / 256.";
        }

        if (!(Momentum is >= 0 and < 1))
        {
            yield return $"optimizer.momentum is {Momentum}, expected 0 to below 1. MoCo uses 0.9.";
        }

        if (!(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
        {
            yield return $"optimizer.weightDecay is {WeightDecay}, expected 0 or more. MoCo uses 0.0001.";
        }

        if (EnumNames.Fault("optimizer.schedule", Schedule) is { } schedule)
        {
            yield return schedule;
        }

        if (EnumNames.Fault("optimizer.per", ScheduleUnit) is { } unit)
        {
            yield return unit;
        }

        if (CosineOffset is not (0 or 1))
        {
            yield return $"optimizer.firstEpoch is {CosineOffset}, expected 0 (as official) or 1 (as the CIFAR demo).";
        }

        if (WarmupSteps < 0)
        {
            yield return $"optimizer.warmupSteps is {WarmupSteps}, expected 0 or more.";
        }
    }
}
