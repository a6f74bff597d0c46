using System.Runtime.Intrinsics;

namespace MoCoSharp.Data.Kernels;

/// <summary>Bits of a kernel's vectors. All widths give the same bytes.</summary>
internal enum VectorWidth
{
    /// <summary>One value at a time: the reference for the other widths.</summary>
    Scalar = 0,

    /// <summary>Supported by every current processor.</summary>
    Bits128 = 128,

    /// <summary>AVX2.</summary>
    Bits256 = 256,

    /// <summary>AVX-512.</summary>
    Bits512 = 512,
}

/// <summary>The vectors of this processor.</summary>
internal static class Vectors
{
    /// <summary>The widest vectors with hardware support.</summary>
    public static VectorWidth Best { get; } =
        Vector512.IsHardwareAccelerated ? VectorWidth.Bits512
        : Vector256.IsHardwareAccelerated ? VectorWidth.Bits256
        : Vector128.IsHardwareAccelerated ? VectorWidth.Bits128
        : VectorWidth.Scalar;
}
