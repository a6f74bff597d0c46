using System.Runtime.Intrinsics;

namespace MoCoSharp.Data.Kernels;

/// <summary>How many bits a kernel works on at once; every width gives the same bytes.</summary>
internal enum VectorWidth
{
    /// <summary>One value at a time: what the others are tested against.</summary>
    Scalar = 0,

    /// <summary>Any processor of today.</summary>
    Bits128 = 128,

    /// <summary>AVX2.</summary>
    Bits256 = 256,

    /// <summary>AVX-512.</summary>
    Bits512 = 512,
}

/// <summary>What this processor has.</summary>
internal static class Vectors
{
    /// <summary>The widest that runs in hardware.</summary>
    public static VectorWidth Best { get; } =
        Vector512.IsHardwareAccelerated ? VectorWidth.Bits512
        : Vector256.IsHardwareAccelerated ? VectorWidth.Bits256
        : Vector128.IsHardwareAccelerated ? VectorWidth.Bits128
        : VectorWidth.Scalar;
}
