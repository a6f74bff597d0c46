using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>What Python's libraries call the element types.</summary>
internal static class TorchTypes
{
    private static readonly (ScalarType Type, int Size, string Storage, string DType, string? Numpy)[] Table =
    [
        (ScalarType.Float32, 4, "FloatStorage", "float32", "f4"),
        (ScalarType.Int64, 8, "LongStorage", "int64", "i8"),
        (ScalarType.Float64, 8, "DoubleStorage", "float64", "f8"),
        (ScalarType.Float16, 2, "HalfStorage", "float16", "f2"),
        (ScalarType.BFloat16, 2, "BFloat16Storage", "bfloat16", null),
        (ScalarType.Int32, 4, "IntStorage", "int32", "i4"),
        (ScalarType.Int16, 2, "ShortStorage", "int16", "i2"),
        (ScalarType.Int8, 1, "CharStorage", "int8", "i1"),
        (ScalarType.Byte, 1, "ByteStorage", "uint8", "u1"),
        (ScalarType.Bool, 1, "BoolStorage", "bool", "b1"),
        (ScalarType.ComplexFloat32, 8, "ComplexFloatStorage", "complex64", "c8"),
        (ScalarType.ComplexFloat64, 16, "ComplexDoubleStorage", "complex128", "c16"),
    ];

    /// <summary>Bytes an element.</summary>
    public static int Size(ScalarType type) => Table.First(row => row.Type == type).Size;

    /// <summary>"FloatStorage" and the like.</summary>
    /// <exception cref="ArgumentException">PyTorch's files have no such type.</exception>
    public static string Storage(ScalarType type) =>
        Table.FirstOrDefault(row => row.Type == type).Storage
        ?? throw new ArgumentException($"A tensor of type {type} has no place in a PyTorch file.", nameof(type));

    /// <summary>"f4" and the like.</summary>
    /// <exception cref="ArgumentException">NumPy has no such type.</exception>
    public static string Numpy(ScalarType type) =>
        Table.FirstOrDefault(row => row.Type == type).Numpy
        ?? throw new ArgumentException($"NumPy has no type {type}: convert the tensor to float32 first.", nameof(type));

    /// <summary>The type of a storage class of torch; null where there is none of that name.</summary>
    public static ScalarType? OfStorage(string name) =>
        Table.Where(row => row.Storage == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();

    /// <summary>The type called torch.float32 and the like; null where there is none of that name.</summary>
    public static ScalarType? OfDType(string name) =>
        Table.Where(row => row.DType == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();

    /// <summary>The type called "f4" and the like; null where there is none of that name.</summary>
    public static ScalarType? OfNumpy(string name) =>
        Table.Where(row => row.Numpy == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();
}
