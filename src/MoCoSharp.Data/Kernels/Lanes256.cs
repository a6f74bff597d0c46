using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoCoSharp.Data.Kernels;

/// <summary>8 lanes.</summary>
internal readonly struct Lanes256(Vector256<int> value) : ILanes<Lanes256>
{
    private readonly Vector256<int> _value = value;

    public static int Count => 8;

    public static int PixelReach => 28;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBytes(ref readonly byte from) =>
        new(Widen(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(in from)).AsByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadPixels(ref readonly byte from) => new(Spread(in from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadFours(ref readonly byte from, ref readonly int at, int shift)
    {
        ref var first = ref Unsafe.Add(ref Unsafe.AsRef(in from), shift);
        ref var offset = ref Unsafe.AsRef(in at);
        return new(Widen(Vector128.Create(
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, offset)),
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, Unsafe.Add(ref offset, 1))),
            0,
            0)
        .AsByte()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(ref byte to)
    {
        var bytes = Avx512F.VL.IsSupported
            ? Avx512F.VL.ConvertToVector128Byte(_value)
            : Vector128.Narrow(Vector128.Narrow(_value.GetLower(), _value.GetUpper()), Vector128<short>.Zero).AsByte();
        Unsafe.WriteUnaligned(ref to, bytes.AsUInt64().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StorePixels(ref byte to)
    {
        // Writes four extra bytes, which the next store overwrites.
        Vector128.Shuffle(_value.GetLower().AsByte(), Lanes128.Pack).StoreUnsafe(ref to);
        Lanes128.StoreTwelve(Vector128.Shuffle(_value.GetUpper().AsByte(), Lanes128.Pack), ref Unsafe.Add(ref to, 12));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFours(ref byte to)
    {
        var bytes = Vector128
            .Narrow(Vector128.Narrow(_value.GetLower(), _value.GetUpper()), Vector128<short>.Zero)
            .AsByte();
        var packed = Vector128.Shuffle(bytes, Lanes128.Pack).AsUInt32();
        Unsafe.WriteUnaligned(ref to, packed.ToScalar());
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref to, 4), (ushort)packed.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> Spread(ref readonly byte from)
    {
        ref var first = ref Unsafe.AsRef(in from);
        return Vector256.Create(
            Vector128.Shuffle(Vector128.LoadUnsafe(in first), Lanes128.Spread),
            Vector128.Shuffle(Vector128.LoadUnsafe(in first, 12), Lanes128.Spread)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(Vector128<byte> bytes) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(bytes)
        : Vector256
            .Create(
                Vector128.WidenLower(Vector128.WidenLower(bytes)),
                Vector128.WidenUpper(Vector128.WidenLower(bytes)))
            .AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Of(int value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 OfF(float value) => new(Vector256.Create(value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadInts(ref readonly int from) => new(Vector256.LoadUnsafe(in from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFloats(ref float to) => _value.AsSingle().StoreUnsafe(ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator &(Lanes256 left, Lanes256 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator |(Lanes256 left, Lanes256 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator <<(Lanes256 value, int bits) => new(value._value << bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator >>>(Lanes256 value, int bits) => new(value._value >>> bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Min(Lanes256 left, Lanes256 right) => new(Vector256.Min(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Max(Lanes256 left, Lanes256 right) => new(Vector256.Max(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Abs(Lanes256 value) => new(Vector256.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Equal(Lanes256 left, Lanes256 right) => new(Vector256.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Less(Lanes256 left, Lanes256 right) => new(Vector256.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Choose(Lanes256 mask, Lanes256 yes, Lanes256 no) =>
        new(Vector256.ConditionalSelect(mask._value, yes._value, no._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Lanes256 value) => Vector256.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 ToF(Lanes256 value) => new(Vector256.ConvertToSingle(value._value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Cut(Lanes256 value) => new(Vector256.ConvertToInt32Native(value._value.AsSingle()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AddF(Lanes256 left, Lanes256 right) =>
        new((left._value.AsSingle() + right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 SubtractF(Lanes256 left, Lanes256 right) =>
        new((left._value.AsSingle() - right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyF(Lanes256 left, Lanes256 right) =>
        new((left._value.AsSingle() * right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 DivideF(Lanes256 left, Lanes256 right) =>
        new((left._value.AsSingle() / right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 FusedF(Lanes256 left, Lanes256 right, Lanes256 added) =>
        new(
            Vector256.FusedMultiplyAdd(left._value.AsSingle(), right._value.AsSingle(), added._value.AsSingle())
                .AsInt32()
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MinF(Lanes256 left, Lanes256 right) =>
        new(Vector256.MinNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MaxF(Lanes256 left, Lanes256 right) =>
        new(Vector256.MaxNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());
}
