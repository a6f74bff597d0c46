namespace MoCoSharp.Data.Kernels;

/// <summary>
/// Several 32-bit values in a vector, so that a kernel is written once for all vector widths. The lanes hold integers
/// or float32: methods whose names end in F read them as float32.
/// </summary>
/// <remarks>
/// Every operation rounds like its scalar counterpart, so the result of a kernel does not depend on the width.
/// </remarks>
internal interface ILanes<T>
    where T : struct, ILanes<T>
{
    /// <summary>Number of values.</summary>
    static abstract int Count { get; }

    /// <summary>Bytes that <see cref="LoadPixels"/> reads, including bytes after the pixels.</summary>
    static abstract int PixelReach { get; }

    /// <summary>The same integer in every lane.</summary>
    static abstract T Of(int value);

    /// <summary>The same float32 in every lane.</summary>
    static abstract T OfF(float value);

    /// <summary>One byte per lane. Reads <see cref="Count"/> bytes.</summary>
    static abstract T LoadBytes(ref readonly byte from);

    /// <summary>
    /// One RGB pixel per lane, as red | green &lt;&lt; 8 | blue &lt;&lt; 16. Reads <see cref="PixelReach"/> bytes.
    /// </summary>
    static abstract T LoadPixels(ref readonly byte from);

    /// <summary>
    /// Four bytes from each of <see cref="Count"/> / 4 offsets <paramref name="at"/>, one byte per lane.
    /// </summary>
    static abstract T LoadFours(ref readonly byte from, ref readonly int at, int shift);

    /// <summary>Integers. Reads 4 x <see cref="Count"/> bytes.</summary>
    static abstract T LoadInts(ref readonly int from);

    /// <summary>Stores the low byte of each lane. Writes <see cref="Count"/> bytes.</summary>
    void StoreBytes(ref byte to);

    /// <summary>Stores the low three bytes of each lane. Writes exactly 3 x <see cref="Count"/> bytes.</summary>
    void StorePixels(ref byte to);

    /// <summary>Stores the lanes unchanged. Writes 4 x <see cref="Count"/> bytes.</summary>
    void StoreFloats(ref float to);

    /// <summary>
    /// Stores packed pixels from lanes of red, green, blue and unused, repeated. Writes exactly 3 x <see cref="Count"/>
    /// / 4 bytes.
    /// </summary>
    void StoreFours(ref byte to);

    static abstract T operator +(T left, T right);

    static abstract T operator -(T left, T right);

    static abstract T operator *(T left, T right);

    static abstract T operator &(T left, T right);

    static abstract T operator |(T left, T right);

    static abstract T operator <<(T value, int bits);

    /// <summary>Logical shift: zeros enter from the left.</summary>
    static abstract T operator >>>(T value, int bits);

    static abstract T Min(T left, T right);

    static abstract T Max(T left, T right);

    static abstract T Abs(T value);

    /// <summary>All bits set where the lanes are equal.</summary>
    static abstract T Equal(T left, T right);

    /// <summary>All bits set where left is less.</summary>
    static abstract T Less(T left, T right);

    /// <summary>Selects bitwise: <paramref name="yes"/> where the mask is set, else <paramref name="no"/>.</summary>
    static abstract T Choose(T mask, T yes, T no);

    /// <summary>The sum of all lanes.</summary>
    static abstract int Sum(T value);

    /// <summary>Integers to float32.</summary>
    static abstract T ToF(T value);

    /// <summary>Float32 to integers, truncated toward 0. The values must be in the range of int.</summary>
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
