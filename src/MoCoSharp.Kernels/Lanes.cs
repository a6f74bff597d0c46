using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Loads and stores 16 neighboring values of one type as float32.</summary>
internal unsafe interface IFloatLanes
{
    /// <summary>Values of a vector.</summary>
    const int Count = 16;

    /// <summary>Bytes of a value in memory.</summary>
    static abstract int Bytes { get; }

    static abstract Vector512<float> Load(byte* values, long at);

    static abstract void Store(byte* values, long at, Vector512<float> lanes);
}

/// <summary>Tensors that kernels of 16 lanes use without a copy.</summary>
internal static class KernelImages
{
    /// <summary>Whether a tensor is on a CPU, with a number of channels that is a multiple of 16.</summary>
    /// <param name="values">Shape [N, C] or [N, C, H, W].</param>
    public static bool FillLanes(Tensor values) =>
        values.device_type == DeviceType.CPU && values.dim() is 2 or 4
        && values.shape[1] % IFloatLanes.Count == 0;
}

/// <summary>float32.</summary>
internal readonly unsafe struct Float32Lanes : IFloatLanes
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* values, long at) => Vector512.Load((float*)values + at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* values, long at, Vector512<float> lanes) => lanes.Store((float*)values + at);
}

/// <summary>bfloat16: the upper half of a float32, rounded to nearest even. A processor's NaN stays NaN.</summary>
internal readonly unsafe struct BFloat16Lanes : IFloatLanes
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* values, long at)
    {
        var bits = Vector256.Load((ushort*)values + at);
        if (Avx512F.IsSupported)
        {
            return (Avx512F.ConvertToVector512UInt32(bits) << 16).AsSingle();
        }

        var (lower, upper) = Vector256.Widen(bits);
        return (Vector512.Create(lower, upper) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* values, long at, Vector512<float> lanes)
    {
        var bits = lanes.AsUInt32();
        var rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
        var narrow = Avx512F.IsSupported
            ? Avx512F.ConvertToVector256UInt16(rounded)
            : Vector256.Narrow(rounded.GetLower(), rounded.GetUpper());
        narrow.Store((ushort*)values + at);
    }
}
