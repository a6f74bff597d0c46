using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoCoSharp.Data.Kernels;

/// <summary>4 lanes.</summary>
internal readonly struct Lanes128(Vector128<int> value) : ILanes<Lanes128>
{
    private readonly Vector128<int> _value = value;

    public static int Count => 4;

    public static int PixelReach => 16;

    // From three to four bytes per pixel, and back.
    internal static Vector128<byte> Spread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);
    }

    internal static Vector128<byte> Pack
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBytes(ref readonly byte from)
    {
        var four = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<uint>(in from)).AsByte();
        return new(Widen(four));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadPixels(ref readonly byte from) =>
        new(Vector128.Shuffle(Vector128.LoadUnsafe(in from), Spread).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadFours(ref readonly byte from, ref readonly int at, int shift) =>
        LoadBytes(in Unsafe.Add(ref Unsafe.AsRef(in from), at + shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(ref byte to)
    {
        var bytes = Vector128.Narrow(Vector128.Narrow(_value, _value), Vector128<short>.Zero).AsUInt32();
        Unsafe.WriteUnaligned(ref to, bytes.ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StorePixels(ref byte to) => StoreTwelve(Vector128.Shuffle(_value.AsByte(), Pack), ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFours(ref byte to)
    {
        var bytes = Vector128.Narrow(Vector128.Narrow(_value, _value), Vector128<short>.Zero).AsUInt32().ToScalar();
        Unsafe.WriteUnaligned(ref to, (ushort)bytes);
        Unsafe.Add(ref to, 2) = (byte)(bytes >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void StoreTwelve(Vector128<byte> bytes, ref byte to)
    {
        Unsafe.WriteUnaligned(ref to, bytes.AsUInt64().ToScalar());
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 8), bytes.AsUInt32().GetElement(2));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Widen(Vector128<byte> bytes) => Sse41.IsSupported
        ? Sse41.ConvertToVector128Int32(bytes)
        : Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Of(int value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 OfF(float value) => new(Vector128.Create(value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadInts(ref readonly int from) => new(Vector128.LoadUnsafe(in from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFloats(ref float to) => _value.AsSingle().StoreUnsafe(ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator &(Lanes128 left, Lanes128 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator |(Lanes128 left, Lanes128 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator <<(Lanes128 value, int bits) => new(value._value << bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator >>>(Lanes128 value, int bits) => new(value._value >>> bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Min(Lanes128 left, Lanes128 right) => new(Vector128.Min(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Max(Lanes128 left, Lanes128 right) => new(Vector128.Max(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Abs(Lanes128 value) => new(Vector128.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Equal(Lanes128 left, Lanes128 right) => new(Vector128.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Less(Lanes128 left, Lanes128 right) => new(Vector128.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Choose(Lanes128 mask, Lanes128 yes, Lanes128 no) =>
        new(Vector128.ConditionalSelect(mask._value, yes._value, no._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Lanes128 value) => Vector128.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 ToF(Lanes128 value) => new(Vector128.ConvertToSingle(value._value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Cut(Lanes128 value) => new(Vector128.ConvertToInt32Native(value._value.AsSingle()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AddF(Lanes128 left, Lanes128 right) =>
        new((left._value.AsSingle() + right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 SubtractF(Lanes128 left, Lanes128 right) =>
        new((left._value.AsSingle() - right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyF(Lanes128 left, Lanes128 right) =>
        new((left._value.AsSingle() * right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 DivideF(Lanes128 left, Lanes128 right) =>
        new((left._value.AsSingle() / right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 FusedF(Lanes128 left, Lanes128 right, Lanes128 added) =>
        new(
            Vector128.FusedMultiplyAdd(left._value.AsSingle(), right._value.AsSingle(), added._value.AsSingle())
                .AsInt32()
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MinF(Lanes128 left, Lanes128 right) =>
        new(Vector128.MinNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MaxF(Lanes128 left, Lanes128 right) =>
        new(Vector128.MaxNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());
}
