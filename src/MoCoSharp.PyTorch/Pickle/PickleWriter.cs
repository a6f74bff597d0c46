using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>
/// Writes a tree as a pickle, with opcodes that every PyTorch reader supports, also with weights_only.
/// </summary>
internal sealed class PickleWriter
{
    private readonly Stream _stream;
    private readonly Func<Tensor, string>? _storage; // names a tensor's storage; null writes NumPy arrays
    private readonly bool _isLegacy;

    private PickleWriter(Stream stream, Func<Tensor, string>? storage, bool isLegacy)
    {
        _stream = stream;
        _storage = storage;
        _isLegacy = isLegacy;
    }

    /// <summary>Writes a pickle whose tensors are stored outside it.</summary>
    /// <returns>The storages to write, each once, in the order in which the tree names them.</returns>
    public static IReadOnlyList<(string Key, Tensor Tensor)> WriteTorch(Stream stream, PickleValue value, bool isLegacy)
    {
        var storages = new List<(string Key, Tensor Tensor)>();
        var known = new Dictionary<(nint Address, long Count, ScalarType Type), string>();
        new PickleWriter(stream, Storage, isLegacy).Document(value, protocol: 2);
        return storages;

        string Storage(Tensor tensor)
        {
            var key = $"{storages.Count}";
            if (
                TensorBytes.Address(tensor) is { } address
                && !known.TryAdd((address, tensor.numel(), tensor.dtype), key))
            {
                return known[(address, tensor.numel(), tensor.dtype)];
            }

            storages.Add((key, tensor));
            return key;
        }
    }

    /// <summary>Writes a pickle whose tensors are NumPy arrays inside it.</summary>
    public static void WriteNumpy(Stream stream, PickleValue value) =>
        new PickleWriter(stream, storage: null, isLegacy: false).Document(value, protocol: 3);

    /// <summary>Writes a pickle of plain values.</summary>
    public static void Write(Stream stream, PickleValue value) =>
        new PickleWriter(stream, storage: null, isLegacy: false).Document(value, protocol: 2);

    private void Document(PickleValue value, byte protocol)
    {
        PickleTree.Check(value);
        _stream.Write([0x80, protocol]);
        Value(value);
        Code('.');
    }

    private void Value(PickleValue value)
    {
        switch (value)
        {
            case PickleNone: Code('N'); break;
            case PickleBoolean boolean: Code(boolean.Value ? 0x88 : 0x89); break;
            case PickleInteger integer: Integer(integer.Value); break;
            case PickleFloat number: Float(number.Value); break;
            case PickleText text: Text(text.Value); break;
            case PickleBytes bytes: Bytes(bytes.Value.Span); break;
            case PickleList list: List(list); break;
            case PickleTuple tuple: Tuple([.. tuple]); break;
            case PickleDictionary dictionary: Dictionary(dictionary); break;
            case PickleTensor tensor when _storage is null: Array(tensor.Tensor); break;
            case PickleTensor tensor: Tensor(tensor.Tensor); break;
            default: throw new ArgumentException($"{value.Kind} cannot be written.", nameof(value));
        }
    }

    private void Integer(BigInteger value)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (value >= 0 && value <= byte.MaxValue)
        {
            Code('K');
            Code((byte)value);
        }
        else if (value >= 0 && value <= ushort.MaxValue)
        {
            Code('M');
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
            _stream.Write(bytes[..2]);
        }
        else if (value >= int.MinValue && value <= int.MaxValue)
        {
            Code('J');
            BinaryPrimitives.WriteInt32LittleEndian(bytes, (int)value);
            _stream.Write(bytes);
        }
        else
        {
            var digits = value.ToByteArray();
            Code(0x8a);
            Code(
                digits.Length <= byte.MaxValue
                    ? digits.Length
                    : throw new ArgumentException(
                        $"An integer of {digits.Length} bytes cannot be written, expected at most 255.",
                        nameof(value)));
            _stream.Write(digits);
        }
    }

    private void Float(double value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        Code('G');
        _stream.Write(bytes);
    }

    private void Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        Code('X');
        Length(bytes.Length);
        _stream.Write(bytes);
    }

    // Protocol 2 has no bytes. Python writes this call for them.
    private void Bytes(ReadOnlySpan<byte> value)
    {
        if (_storage is null)
        {
            Code('B');
            Length(value.Length);
            _stream.Write(value);
            return;
        }

        Name("_codecs", "encode");
        Tuple(Encoding.Latin1.GetString(value), "latin1");
        Code('R');
    }

    private void List(PickleList list)
    {
        Code(']');
        if (list.Count > 0)
        {
            Code('(');
            foreach (var item in list)
            {
                Value(item);
            }

            Code('e');
        }
    }

    private void Tuple(params ReadOnlySpan<PickleValue> items)
    {
        if (items.Length > 3)
        {
            Code('(');
        }

        foreach (var item in items)
        {
            Value(item);
        }

        Code(items.Length switch { 0 => ')', 1 => 0x85, 2 => 0x86, 3 => 0x87, _ => 't' });
    }

    private void Dictionary(PickleDictionary dictionary)
    {
        if (dictionary.IsOrderedDict)
        {
            EmptyOrderedDict();
        }
        else
        {
            Code('}');
        }

        if (dictionary.Count > 0)
        {
            Code('(');
            foreach (var (key, value) in dictionary)
            {
                Value(key);
                Value(value);
            }

            Code('u');
        }
    }

    // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks). Each tensor has its own
    // storage.
    private void Tensor(Tensor tensor)
    {
        Name("torch._utils", "_rebuild_tensor_v2");
        Code('(');
        Code('(');
        Text("storage");
        Name("torch", TorchTypes.Storage(tensor.dtype));
        Text(_storage!(tensor));
        Text("cpu");
        Integer(tensor.numel());
        if (_isLegacy)
        {
            Code('N'); // not a part of another storage
        }

        Code('t');
        Code('Q');
        Integer(0);
        Tuple(Integers(tensor.shape));
        Tuple(Integers(Strides(tensor.shape)));
        Code(0x89);
        EmptyOrderedDict();
        Code('t');
        Code('R');
    }

    // numpy.core.multiarray._reconstruct(ndarray, (0,), b'b'), then its state: version, shape, type, order, values.
    private void Array(Tensor tensor)
    {
        var size = tensor.numel() * TorchTypes.Size(tensor.dtype);
        if (size > uint.MaxValue)
        {
            throw new ArgumentException(
                $"An array of {size} bytes is too long for a pickle of this protocol, expected at most " +
                $"{uint.MaxValue}.",
                nameof(tensor));
        }

        Name("numpy.core.multiarray", "_reconstruct");
        Name("numpy", "ndarray");
        Tuple(0);
        Bytes("b"u8);
        Code(0x87);
        Code('R');
        Code('(');
        Integer(1);
        Tuple(Integers(tensor.shape));
        Name("numpy", "dtype");
        Tuple(TorchTypes.Numpy(tensor.dtype), false, true);
        Code('R');
        Tuple(
            3, TorchTypes.Size(tensor.dtype) == 1 ? "|" : "<", PickleValue.None, PickleValue.None, PickleValue.None,
            -1, -1, 0);
        Code('b');
        Code(0x89);
        Code('B');
        Length(size);
        TensorBytes.Write(tensor, _stream.Write);
        Code('t');
        Code('b');
    }

    private void EmptyOrderedDict()
    {
        Name("collections", "OrderedDict");
        Code(')');
        Code('R');
    }

    private void Name(string module, string name) => _stream.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private void Code(int code) => _stream.WriteByte((byte)code);

    private void Length(long length)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)length);
        _stream.Write(bytes);
    }

    private static PickleValue[] Integers(long[] values) => [.. values.Select(value => (PickleValue)value)];

    // The strides of a contiguous tensor.
    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= Math.Max(1, shape[i]);
        }

        return strides;
    }
}
