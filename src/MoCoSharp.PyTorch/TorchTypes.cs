using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Names of element types in Python's libraries.</summary>
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

    /// <summary>Bytes per element.</summary>
    public static int Size(ScalarType type) => Table.First(row => row.Type == type).Size;

    /// <summary>The storage class of a type, such as "FloatStorage".</summary>
    /// <exception cref="ArgumentException">PyTorch files do not support the type.</exception>
    public static string Storage(ScalarType type) =>
        Table.FirstOrDefault(row => row.Type == type).Storage
        ?? throw new ArgumentException($"A tensor of type {type} cannot be stored in a PyTorch file.", nameof(type));

    /// <summary>The NumPy name of a type, such as "f4".</summary>
    /// <exception cref="ArgumentException">NumPy has no such type.</exception>
    public static string Numpy(ScalarType type) =>
        Table.FirstOrDefault(row => row.Type == type).Numpy
        ?? throw new ArgumentException($"NumPy has no type {type}: convert the tensor to float32 first.", nameof(type));

    /// <summary>The type of a storage class; null if the name is unknown.</summary>
    public static ScalarType? OfStorage(string name) =>
        Table.Where(row => row.Storage == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();

    /// <summary>The type with a name such as torch.float32; null if the name is unknown.</summary>
    public static ScalarType? OfDType(string name) =>
        Table.Where(row => row.DType == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();

    /// <summary>The type with a NumPy name such as "f4"; null if the name is unknown.</summary>
    public static ScalarType? OfNumpy(string name) =>
        Table.Where(row => row.Numpy == name).Select(row => (ScalarType?)row.Type).FirstOrDefault();
}
