using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>What convolutions and linear layers compute in. Weights, statistics, losses and updates stay in the weights' own type.</summary>
public enum Precision
{
    /// <summary>The type of the weights.</summary>
    Fp32,

    /// <summary>bfloat16: 8 bits of mantissa, the range of fp32, so that no gradient needs scaling.</summary>
    Bf16,
}

/// <summary>A configuration's word for a precision: "auto", "fp32" or "bf16".</summary>
public static class PrecisionChoice
{
    /// <summary>The choices, in the order that messages name them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["auto", "fp32", "bf16"];

    /// <summary>What a word means on a device: "auto" is bf16 where the hardware multiplies it faster than fp32.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="device">Where the layers compute.</param>
    /// <exception cref="ArgumentException">Another word.</exception>
    public static Precision Resolve(string name, Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return name switch
        {
            "fp32" => Precision.Fp32,
            "bf16" => Precision.Bf16,
            "auto" => HasBf16(device) ? Precision.Bf16 : Precision.Fp32,
            _ => throw new ArgumentException($"precision is \"{name}\", expected {string.Join(", ", Names)}.", nameof(name)),
        };
    }

    /// <summary>The word for a precision, without choice: what config.json keeps.</summary>
    public static string Name(this Precision precision) => precision == Precision.Bf16 ? "bf16" : "fp32";

    /// <summary>The element type to compute in, for layers whose weights are of another.</summary>
    internal static ScalarType Type(this Precision precision, ScalarType weights) => precision == Precision.Bf16 ? ScalarType.BFloat16 : weights;

    private static bool HasBf16(Device device) => device.type == DeviceType.CUDA || ProcessorHasBf16();

    // CPUID leaf 7: AVX512_BF16 is bit 5 of EAX in subleaf 1, AMX-BF16 bit 22 of EDX in subleaf 0 (Intel's manual, volume 2A, CPUID).
    private static bool ProcessorHasBf16() =>
        X86Base.IsSupported && Avx512F.IsSupported && X86Base.CpuId(0, 0).Eax >= 7
        && ((X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0 || (X86Base.CpuId(7, 0).Edx & (1 << 22)) != 0);
}
