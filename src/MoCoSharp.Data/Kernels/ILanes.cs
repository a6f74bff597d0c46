namespace MoCoSharp.Data.Kernels;

/// <summary>
/// Several 32-bit values that are worked on at once, so that a kernel is written once for every width of vector. The
/// same lanes hold whole numbers or float32: the methods whose name ends in F read them as float32.
/// </summary>
/// <remarks>
/// No operation here rounds otherwise than its scalar counterpart: what a kernel gives does not depend on the width.
/// </remarks>
internal interface ILanes<T>
    where T : struct, ILanes<T>
{
    /// <summary>Values held.</summary>
    static abstract int Count { get; }

    /// <summary>Bytes that <see cref="LoadPixels"/> reads, those beyond the pixels included.</summary>
    static abstract int PixelReach { get; }

    /// <summary>The same whole number in every lane.</summary>
    static abstract T Of(int value);

    /// <summary>The same float32 in every lane.</summary>
    static abstract T OfF(float value);

    /// <summary>A byte a lane. Reads <see cref="Count"/> bytes.</summary>
    static abstract T LoadBytes(ref readonly byte from);

    /// <summary>
    /// An RGB pixel a lane, as red | green &lt;&lt; 8 | blue &lt;&lt; 16. Reads <see cref="PixelReach"/> bytes.
    /// </summary>
    static abstract T LoadPixels(ref readonly byte from);

    /// <summary>
    /// Bytes at <paramref name="at"/>, four from each of <see cref="Count"/> / 4 offsets, a byte a lane.
    /// </summary>
    static abstract T LoadFours(ref readonly byte from, ref readonly int at, int shift);

    /// <summary>Whole numbers. Reads 4 x <see cref="Count"/> bytes.</summary>
    static abstract T LoadInts(ref readonly int from);

    /// <summary>The low byte of each lane. Writes <see cref="Count"/> bytes.</summary>
    void StoreBytes(ref byte to);

    /// <summary>The low three bytes of each lane. Writes 3 x <see cref="Count"/> bytes and no more.</summary>
    void StorePixels(ref byte to);

    /// <summary>The lanes as they are. Writes 4 x <see cref="Count"/> bytes.</summary>
    void StoreFloats(ref float to);

    /// <summary>
    /// From lanes of red, green, blue and nothing, over and over: the pixels, packed. Writes 3 x <see cref="Count"/> /
    /// 4 bytes and no more.
    /// </summary>
    void StoreFours(ref byte to);

    static abstract T operator +(T left, T right);

    static abstract T operator -(T left, T right);

    static abstract T operator *(T left, T right);

    static abstract T operator &(T left, T right);

    static abstract T operator |(T left, T right);

    static abstract T operator <<(T value, int bits);

    /// <summary>Fills with zeros from the left.</summary>
    static abstract T operator >>>(T value, int bits);

    static abstract T Min(T left, T right);

    static abstract T Max(T left, T right);

    static abstract T Abs(T value);

    /// <summary>All bits set where equal.</summary>
    static abstract T Equal(T left, T right);

    /// <summary>All bits set where left is less.</summary>
    static abstract T Less(T left, T right);

    /// <summary>Bit by bit: <paramref name="yes"/> where the mask is set.</summary>
    static abstract T Choose(T mask, T yes, T no);

    /// <summary>All lanes together.</summary>
    static abstract int Sum(T value);

    /// <summary>Whole numbers to float32.</summary>
    static abstract T ToF(T value);

    /// <summary>Float32 to whole numbers, cut towards 0; within the range of int.</summary>
    static abstract T Cut(T value);

    static abstract T AddF(T left, T right);

    static abstract T SubtractF(T left, T right);

    static abstract T MultiplyF(T left, T right);

    static abstract T DivideF(T left, T right);

    /// <summary>left x right + added, rounded once.</summary>
    static abstract T FusedF(T left, T right, T added);

    static abstract T MinF(T left, T right);

    static abstract T MaxF(T left, T right);
}
