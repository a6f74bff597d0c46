using System.ComponentModel;
using System.Text.Json.Serialization;
using MoCoSharp.Data;

namespace MoCoSharp.Methods;

/// <summary>The loss of learning against a memory bank.</summary>
[JsonConverter(typeof(EnumNameConverter<MemoryBankLoss>))]
public enum MemoryBankLoss
{
    /// <summary>MoCo's softmax over K features of the bank, drawn anew in each step and shared by its images.</summary>
    [JsonStringEnumMemberName("info-nce"), Description("MoCo's baseline")]
    InfoNce,

    /// <summary>
    /// InstDisc's binary classification of K features drawn for each image, with a constant normalizer that the first batch gives.
    /// </summary>
    [JsonStringEnumMemberName("nce"), Description("InstDisc")]
    Nce,
}

/// <summary>The hyper-parameters of learning against a memory bank.</summary>
/// <remarks>Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/> (InstDisc); with InfoNCE, He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, figure 2b.</remarks>
public sealed record MemoryBankOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>The loss.</summary>
    public MemoryBankLoss Loss { get; init; } = MemoryBankLoss.InfoNce;

    /// <summary>K, features drawn as negatives, above 0; 65536 in MoCo's baseline, 4096 in InstDisc.</summary>
    public int Negatives { get; init; } = 65536;

    /// <summary>Share of the old feature that stays when its image is seen again, in [0, 1); 0.5 in both papers.</summary>
    public double Momentum { get; init; } = 0.5;

    /// <summary>τ, above 0; 0.07 in both papers.</summary>
    public double Temperature { get; init; } = 0.07;

    string IMethodOptions.Name => "memoryBank";

    int IMethodOptions.Views => 1;

    /// <inheritdoc/>
    public string Describe() => $"memory bank, {(Loss == MemoryBankLoss.Nce ? "InstDisc's NCE" : "InfoNCE")}, {Negatives} negatives";

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
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
            yield return $"memoryBank.negatives is {Negatives}, expected a number above 0. MoCo's baseline uses 65536, InstDisc 4096.";
        }

        if (!(Momentum is >= 0 and < 1))
        {
            yield return $"memoryBank.momentum is {Momentum}, expected 0 to below 1: the share of the old feature that stays. Both papers use 0.5.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"memoryBank.temperature is {Temperature}, expected a number above 0. Both papers use 0.07.";
        }
    }
}
