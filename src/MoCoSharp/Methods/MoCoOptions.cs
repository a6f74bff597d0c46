using MoCoSharp.Data;
using MoCoSharp.Models;

namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of momentum contrast.</summary>
public sealed record MoCoOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>Number of keys in the queue, K, above 0; any batch fits.</summary>
    public int QueueSize { get; init; } = 65536;

    /// <summary>The type of the keys in the queue. bf16 halves its size and the time of the loss, at an error of 2e-3 in the gradient.</summary>
    public Precision QueuePrecision { get; init; } = Precision.Fp32;

    /// <summary>m of the key encoder's update, in [0, 1].</summary>
    public double Momentum { get; init; } = 0.999;

    /// <summary>τ of the softmax, above 0; 0.07 in MoCo v1, 0.2 in v2.</summary>
    public double Temperature { get; init; } = 0.2;

    /// <summary>Whether each view is query and key in turn, and the loss the mean of both halves; twice the cost.</summary>
    public bool Symmetric { get; init; }

    /// <summary>Whether keys are normalised in other BN groups than their queries; without effect where there is one group.</summary>
    public bool Shuffle { get; init; } = true;

    string IMethodOptions.Name => "moco";

    string IMethodOptions.EncoderPrefix => "encoder_q.";

    string IMethodOptions.KeyEncoderPrefix => "encoder_k.";

    /// <inheritdoc/>
    public string Describe() => $"MoCo, {QueueSize} keys";

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
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
            yield return $"moco.momentum is {Momentum}, expected 0 to 1. MoCo uses 0.999: the share of the old key encoder that stays.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"moco.temperature is {Temperature}, expected a number above 0. MoCo v2 uses 0.2.";
        }
    }
}
