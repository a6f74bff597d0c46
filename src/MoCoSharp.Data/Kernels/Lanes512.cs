using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoCoSharp.Data.Kernels;

/// <summary>16 lanes.</summary>
internal readonly struct Lanes512(Vector512<int> value) : ILanes<Lanes512>
{
    private readonly Vector512<int> _value = value;

    public static int Count => 16;

    public static int PixelReach => Avx512Vbmi.IsSupported ? 64 : 52;

    // One byte permutation of AVX-512 VBMI replaces four shuffles.
    private static Vector512<byte> SpreadAll
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] // a call would spill every vector register
        get => Vector512.Create(
        (byte)0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 14, 15, 16, 17, 17, 18, 19, 20,
        20, 21, 22, 23, 23,
        24, 25, 26, 26, 27, 28, 29, 29, 30, 31, 32, 32, 33, 34, 35, 35, 36, 37, 38, 38, 39, 40, 41, 41, 42, 43,
        44, 44, 45, 46, 47, 47);
    }

    private static Vector512<byte> PackAll
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512.Create(
        (byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22, 24, 25, 26, 28, 29, 30, 32, 33,
        34, 36, 37, 38, 40, 41,
        42, 44, 45, 46, 48, 49, 50, 52, 53, 54, 56, 57, 58, 60, 61, 62, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBytes(ref readonly byte from) => new(Widen(Vector128.LoadUnsafe(in from)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadPixels(ref readonly byte from)
    {
        if (Avx512Vbmi.IsSupported)
        {
            return new(
                Avx512Vbmi.PermuteVar64x8(Vector512.LoadUnsafe(in from), SpreadAll).AsInt32()
                    & Vector512.Create(0xFFFFFF));
        }

        return new(
            Vector512.Create(Lanes256.Spread(in from), Lanes256.Spread(in Unsafe.Add(ref Unsafe.AsRef(in from), 24))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadFours(ref readonly byte from, ref readonly int at, int shift)
    {
        ref var first = ref Unsafe.Add(ref Unsafe.AsRef(in from), shift);
        ref var offset = ref Unsafe.AsRef(in at);
        return new(Widen(Vector128.Create(
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, offset)),
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, Unsafe.Add(ref offset, 1))),
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, Unsafe.Add(ref offset, 2))),
            Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref first, Unsafe.Add(ref offset, 3)))).AsByte()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBytes(ref byte to) => Narrow(_value).StoreUnsafe(ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StorePixels(ref byte to)
    {
        if (Avx512Vbmi.IsSupported)
        {
            var packed = Avx512Vbmi.PermuteVar64x8(_value.AsByte(), PackAll);
            packed.GetLower().StoreUnsafe(ref to);
            packed.GetUpper().GetLower().StoreUnsafe(ref to, 32);
            return;
        }

        new Lanes256(_value.GetLower()).StorePixels(ref to);
        new Lanes256(_value.GetUpper()).StorePixels(ref Unsafe.Add(ref to, 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFours(ref byte to) =>
        Lanes128.StoreTwelve(Vector128.Shuffle(Narrow(_value), Lanes128.Pack), ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(Vector128<byte> bytes)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512Int32(bytes);
        }

        var (lower, upper) = (Vector128.WidenLower(bytes), Vector128.WidenUpper(bytes));
        return Vector512.Create(
            Vector256.Create(Vector128.WidenLower(lower), Vector128.WidenUpper(lower)),
            Vector256.Create(Vector128.WidenLower(upper), Vector128.WidenUpper(upper)))
        .AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Narrow(Vector512<int> lanes)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector128Byte(lanes);
        }

        var (lower, upper) = (lanes.GetLower(), lanes.GetUpper());
        return Vector128
            .Narrow(
                Vector128.Narrow(lower.GetLower(), lower.GetUpper()),
                Vector128.Narrow(upper.GetLower(), upper.GetUpper()))
            .AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Of(int value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 OfF(float value) => new(Vector512.Create(value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadInts(ref readonly int from) => new(Vector512.LoadUnsafe(in from));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreFloats(ref float to) => _value.AsSingle().StoreUnsafe(ref to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator &(Lanes512 left, Lanes512 right) => new(left._value & right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator |(Lanes512 left, Lanes512 right) => new(left._value | right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator <<(Lanes512 value, int bits) => new(value._value << bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator >>>(Lanes512 value, int bits) => new(value._value >>> bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Min(Lanes512 left, Lanes512 right) => new(Vector512.Min(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Max(Lanes512 left, Lanes512 right) => new(Vector512.Max(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Abs(Lanes512 value) => new(Vector512.Abs(value._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Equal(Lanes512 left, Lanes512 right) => new(Vector512.Equals(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Less(Lanes512 left, Lanes512 right) => new(Vector512.LessThan(left._value, right._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Choose(Lanes512 mask, Lanes512 yes, Lanes512 no) =>
        new(Vector512.ConditionalSelect(mask._value, yes._value, no._value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Sum(Lanes512 value) => Vector512.Sum(value._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 ToF(Lanes512 value) => new(Vector512.ConvertToSingle(value._value).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Cut(Lanes512 value) => new(Vector512.ConvertToInt32Native(value._value.AsSingle()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AddF(Lanes512 left, Lanes512 right) =>
        new((left._value.AsSingle() + right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 SubtractF(Lanes512 left, Lanes512 right) =>
        new((left._value.AsSingle() - right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyF(Lanes512 left, Lanes512 right) =>
        new((left._value.AsSingle() * right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 DivideF(Lanes512 left, Lanes512 right) =>
        new((left._value.AsSingle() / right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 FusedF(Lanes512 left, Lanes512 right, Lanes512 added) =>
        new(
            Vector512.FusedMultiplyAdd(left._value.AsSingle(), right._value.AsSingle(), added._value.AsSingle())
                .AsInt32()
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MinF(Lanes512 left, Lanes512 right) =>
        new(Vector512.MinNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MaxF(Lanes512 left, Lanes512 right) =>
        new(Vector512.MaxNative(left._value.AsSingle(), right._value.AsSingle()).AsInt32());
}
