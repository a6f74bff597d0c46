using System.Runtime.Intrinsics.X86;
using System.Text.Json.Serialization;
using MoCoSharp.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>
/// The type in which convolutions and linear layers compute. Weights, statistics, losses and updates keep the weights'
/// type.
/// </summary>
[JsonConverter(typeof(EnumNameConverter<Precision>))]
public enum Precision
{
    /// <summary>The type of the weights.</summary>
    [JsonStringEnumMemberName("fp32")]
    Fp32,

    /// <summary>bfloat16: 8 bits of mantissa and the range of fp32. Needs no gradient scaling.</summary>
    [JsonStringEnumMemberName("bf16")]
    Bf16,
}

/// <summary>A configuration's choice of a <see cref="Precision"/>.</summary>
[JsonConverter(typeof(EnumNameConverter<PrecisionChoice>))]
public enum PrecisionChoice
{
    /// <summary>
    /// bf16 if the hardware multiplies it faster than fp32 (AVX-512 BF16, AMX, CUDA), otherwise fp32.
    /// </summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary><see cref="Precision.Fp32"/>.</summary>
    [JsonStringEnumMemberName("fp32")]
    Fp32,

    /// <summary><see cref="Precision.Bf16"/>.</summary>
    [JsonStringEnumMemberName("bf16")]
    Bf16,
}

/// <summary>Resolves a <see cref="PrecisionChoice"/> for a device.</summary>
internal static class PrecisionChoices
{
    /// <summary>The precision to compute in.</summary>
    /// <param name="choice">As configured.</param>
    /// <param name="device">Where the layers compute.</param>
    /// <exception cref="ArgumentException">There is no such choice.</exception>
    public static Precision Resolve(this PrecisionChoice choice, Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return choice switch
        {
            PrecisionChoice.Fp32 => Precision.Fp32,
            PrecisionChoice.Bf16 => Precision.Bf16,
            PrecisionChoice.Auto => HasBf16(device) ? Precision.Bf16 : Precision.Fp32,
            _ => throw new ArgumentException(EnumNames.Fault("precision", choice), nameof(choice)),
        };
    }

    /// <summary>The choice that gives this precision on every device, as config.json of a run stores it.</summary>
    public static PrecisionChoice ToChoice(this Precision precision) =>
        precision == Precision.Bf16 ? PrecisionChoice.Bf16 : PrecisionChoice.Fp32;

    /// <summary>The element type in which a layer computes.</summary>
    internal static ScalarType Type(this Precision precision, ScalarType weights) =>
        precision == Precision.Bf16 ? ScalarType.BFloat16 : weights;

    private static bool HasBf16(Device device) => device.type == DeviceType.CUDA || ProcessorHasBf16();

    // CPUID leaf 7: AVX512_BF16 is bit 5 of EAX in subleaf 1, AMX-BF16 bit 22 of EDX in subleaf 0 (Intel's manual,
    // volume 2A, CPUID).
    private static bool ProcessorHasBf16() =>
        X86Base.IsSupported && Avx512F.IsSupported && X86Base.CpuId(0, 0).Eax >= 7
        && ((X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0 || (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);
}
