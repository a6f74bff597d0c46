using System.Buffers.Binary;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>
/// NumPy arrays and numbers in a pickle. Detectron2's weights are arrays, and training logs hold numbers.
/// </summary>
internal static class NumpyNames
{
    // NumPy 2 has the second name.
    private static readonly string[] Modules = ["numpy.core.multiarray", "numpy._core.multiarray"];

    /// <summary>The names that a pickle may use from NumPy.</summary>
    public static IEnumerable<(string Name, PickleName Value)> All =>
    [
        PickleNames.Call("numpy.ndarray", _ => throw PickleNames.Wrong("numpy.ndarray")),
        PickleNames.Call(
            "numpy.dtype",
            arguments =>
                arguments is [PickleText type, _, _] && TorchTypes.OfNumpy(type.Value) is { } known
            ? new NumpyType(known)
            : throw PickleReader.Fault(
                "an array is of type " +
                $"{(arguments is [PickleText { Value.Length: < 20 } text, ..] ? text.Value : "?")}, which has no " +
                "tensor type")),
        .. Modules.SelectMany(module => new[]
        {
            PickleNames.Call(
                module + "._reconstruct",
                arguments =>
                    arguments is [PickleName, ..]
                        ? new PickleTensor()
                        : throw PickleNames.Wrong(module + "._reconstruct")),
            PickleNames.Call(
                module + ".scalar",
                arguments =>
                    arguments is [NumpyType type, PickleBytes bytes]
                    && bytes.Value.Length == TorchTypes.Size(type.Type)
                ? Number(type.Type, bytes.Value.Span) : throw PickleNames.Wrong(module + ".scalar")),
        }),
    ];

    /// <summary>Fills an array, or completes an element type.</summary>
    public static void SetState(PickleValue target, PickleValue state)
    {
        switch (target)
        {
            case NumpyType when state is PickleTuple and [_, PickleText order, ..]:
                if (order.Value == ">")
                {
                    throw PickleReader.Fault("an array is big-endian: save it as little-endian");
                }

                break;
            case PickleTensor { IsFilled: false } array
                when state
                    is PickleTuple
                        and [_, PickleTuple shape, NumpyType type, PickleBoolean fortran, PickleBytes bytes]:
                Fill(array, shape, type.Type, fortran.Value, bytes.Value);
                break;
            default:
                throw PickleReader.Fault($"it sets the state of {target.Kind}");
        }
    }

    private static void Fill(
        PickleTensor array, PickleTuple shape, ScalarType type, bool fortran, ReadOnlyMemory<byte> bytes)
    {
        var sizes = shape
            .Select(item =>
                item is PickleInteger { Value: var size } && size >= 0 && size <= int.MaxValue
                    ? (long)size
                    : throw PickleNames.Wrong("an array"))
            .ToArray();
        if (TorchStorage.Elements(sizes) is not { } count || count * TorchTypes.Size(type) != bytes.Length)
        {
            throw PickleReader.Fault(
                $"an array of shape [{string.Join(", ", sizes)}] and type {type} comes with {bytes.Length} bytes");
        }

        array.Fill(type, sizes, () => Make(sizes, type, fortran, bytes.Span));
    }

    private static Tensor Make(long[] shape, ScalarType type, bool fortran, ReadOnlySpan<byte> bytes)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = empty(fortran ? [.. shape.Reverse()] : shape, dtype: type);
        if (bytes.Length > 0)
        {
            bytes.CopyTo(values.bytes);
        }

        return (
            fortran
                ? values.permute([.. Enumerable.Range(0, shape.Length).Reverse().Select(axis => (long)axis)])
                : values
        ).MoveToOuterDisposeScope();
    }

    private static PickleValue Number(ScalarType type, ReadOnlySpan<byte> bytes) => type switch
    {
        ScalarType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        ScalarType.Float32 => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
        ScalarType.Float16 => (double)BinaryPrimitives.ReadHalfLittleEndian(bytes),
        ScalarType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        ScalarType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        ScalarType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        ScalarType.Int8 => (long)(sbyte)bytes[0],
        ScalarType.Byte => (long)bytes[0],
        ScalarType.Bool => bytes[0] != 0,
        _ => throw PickleReader.Fault($"a number of type {type}"),
    };

    private sealed class NumpyType(ScalarType type) : PickleValue
    {
        public ScalarType Type => type;

        public override string Kind => "a bare type of NumPy";
    }
}
