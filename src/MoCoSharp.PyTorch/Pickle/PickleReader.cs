using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace MoCoSharp.PyTorch;

/// <summary>Finds the storages that a pickle refers to.</summary>
internal interface IStorages
{
    /// <summary>The storage with a key.</summary>
    /// <exception cref="InvalidDataException">There is none, or its size differs.</exception>
    TorchStorage Find(string key, TorchSharp.torch.ScalarType? type, long count);
}

/// <summary>
/// Reads a pickle as data; nothing is executed. It supports the opcodes and the names (<see cref="PickleNames"/>) that
/// tensors and plain values need, and refuses all others by name.
/// </summary>
/// <param name="stream">Read from its position to the end of one pickle. Its length limits every allocation.</param>
/// <param name="source">Start of each message.</param>
/// <param name="owner">Keeps the tensors whose values are inside the pickle.</param>
/// <param name="storages">The storages of tensors; null for a pickle without any.</param>
internal sealed class PickleReader(Stream stream, string source, TensorOwner owner, IStorages? storages)
{
    private const int MostOperations = 1 << 22; // MoCo on a ResNet-152, optimizer included, takes 90,000
    private const int LongestInteger = 255;     // bytes; PyTorch's own largest has 10

    private readonly List<PickleValue> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<uint, PickleValue> _memo = [];

    /// <summary>Reads one pickle.</summary>
    /// <exception cref="InvalidDataException">
    /// The pickle is broken, or uses an unsupported name or opcode. The message says what, and at which byte.
    /// </exception>
    public PickleValue Read()
    {
        for (var operations = 0; operations < MostOperations; operations++)
        {
            var position = stream.Position;
            try
            {
                var opcode = Byte();
                if (opcode == '.')
                {
                    var value = Pop();
                    if (_stack.Count > 0 || _marks.Count > 0)
                    {
                        throw Fault("it ends with values left over");
                    }

                    PickleTree.Check(value);
                    return value;
                }

                Apply(opcode);
            }
            catch (PickleException error)
            {
                throw new InvalidDataException($"{source}: at byte {position} of the pickle: {error.Message}.", error);
            }
        }

        throw new InvalidDataException(
            $"{source}: the pickle has more than {MostOperations} operations, which no file of tensors needs.");
    }

    internal static PickleException Fault(string what) => new(what);

    private void Apply(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                var protocol = Byte();
                if (protocol > 5)
                {
                    throw Fault($"it is of protocol {protocol}, expected at most 5");
                }

                break;
            case 0x95: // FRAME: a size for reading ahead, ignored here
                Bytes(8);
                break;

            case (byte)'N': Push(PickleValue.None); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push(BinaryPrimitives.ReadInt32LittleEndian(Bytes(4))); break;
            case (byte)'K': Push(Byte()); break;
            case (byte)'M': Push(BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2))); break;
            case 0x8a: Push(new PickleInteger(Integer(Byte()))); break;
            case 0x8b: Push(new PickleInteger(Integer(UInt32()))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(8))); break;
            case 0x8c: Push(Text(Byte())); break;
            case (byte)'X': Push(Text(UInt32())); break;
            case 0x8d: Push(Text(UInt64())); break;
            case (byte)'U': Push(Text(Byte())); break;                              // the texts of Python 2
            case (byte)'T': Push(Text(UInt32())); break;
            case (byte)'C': Push(new PickleBytes(Bytes(Byte()))); break;
            case (byte)'B': Push(new PickleBytes(Bytes(UInt32()))); break;
            case 0x8e: Push(new PickleBytes(Bytes(UInt64()))); break;

            case (byte)'(': _marks.Push(_stack.Count); break;
            case (byte)']': Push(new PickleList()); break;
            case (byte)'}': Push(new PickleDictionary()); break;
            case (byte)')': Push(PickleTuple.Empty); break;
            case 0x85: Push(new PickleTuple(Take(1))); break;
            case 0x86: Push(new PickleTuple(Take(2))); break;
            case 0x87: Push(new PickleTuple(Take(3))); break;
            case (byte)'t': Push(new PickleTuple(TakeToMark())); break;
            case (byte)'a': Append(Take(1)); break;
            case (byte)'e': Append(TakeToMark()); break;
            case (byte)'s': SetItems(Take(2)); break;
            case (byte)'u': SetItems(TakeToMark()); break;

            case (byte)'q': _memo[Byte()] = Top(); break;
            case (byte)'r': _memo[UInt32()] = Top(); break;
            case 0x94: _memo[(uint)_memo.Count] = Top(); break;
            case (byte)'h': Push(Remembered(Byte())); break;
            case (byte)'j': Push(Remembered(UInt32())); break;

            case (byte)'c': Push(PickleNames.Find(Line(), Line())); break;
            case 0x93: // STACK_GLOBAL
                Push(
                    Take(2) is [PickleText module, PickleText name]
                        ? PickleNames.Find(module.Value, name.Value)
                        : throw Fault("a name that is not text"));
                break;
            case (byte)'i': // INST: of old protocols; always refused, by its name
                throw PickleNames.Refused(Line(), Line());
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                Push(
                    Take(2) is [PickleName callee, PickleTuple arguments]
                        ? callee.Make(arguments)
                        : throw Fault("it calls what is not a name"));
                break;
            case (byte)'b': // BUILD
                var state = Pop();
                PickleNames.SetState(Top(), state);
                (Top() as PickleTensor)?.BelongsTo(owner);
                break;
            case (byte)'Q': Push(Storage(Pop())); break;

            default:
                throw Fault(
                    $"opcode 0x{opcode:x2}{(opcode is > 32 and < 127 ? $" ('{(char)opcode}')" : "")} is not one that " +
                    "a file of tensors needs. Is this a whole pickle?");
        }
    }

    private TorchStorage Storage(PickleValue id)
    {
        if (id is not PickleTuple { Count: >= 1 } parts || parts[0] is not PickleText kind)
        {
            throw Fault("an external reference of the pickle is not PyTorch's");
        }

        if (kind.Value == "module")
        {
            throw Fault("it holds a whole model, that is, a program: save model.state_dict() instead");
        }

        if (
            kind.Value != "storage"
            || storages is null
            || parts is not [_, PickleName type, PickleText key, PickleText, PickleInteger count, ..]
            || key.Value.Length > 64
            || !key.Value.All(char.IsAsciiLetterOrDigit)
            || count.Value < 0
            || count.Value > long.MaxValue / 16)
        {
            throw Fault("an external reference of the pickle does not name a storage, or is misplaced");
        }

        var storage = storages.Find(key.Value, type.AsStorageType(), (long)count.Value);
        return parts.Count switch
        {
            5 => storage,
            6 when parts[5] is PickleNone => storage,
            6 when parts[5] is PickleTuple and [PickleText, PickleInteger first, PickleInteger size] => storage.Part(
                first.Value,
                size.Value),
            _ => throw Fault("the description of a storage does not have PyTorch's length"),
        };
    }

    private void Append(ReadOnlySpan<PickleValue> items)
    {
        var list = Top() as PickleList ?? throw Fault($"it appends to {Top().Kind}");
        foreach (var item in items)
        {
            list.Add(item);
        }
    }

    private void SetItems(ReadOnlySpan<PickleValue> pairs)
    {
        var dictionary = Top() as PickleDictionary ?? throw Fault($"it sets an item of {Top().Kind}");
        if (pairs.Length % 2 != 0)
        {
            throw Fault("a key of a dictionary has no value");
        }

        for (var i = 0; i < pairs.Length; i += 2)
        {
            if (!PickleDictionary.IsKey(pairs[i]))
            {
                throw Fault($"a key of a dictionary is {pairs[i].Kind}, expected a text, a number, a boolean or None");
            }

            dictionary[pairs[i]] = pairs[i + 1];
        }
    }

    private void Push(PickleValue value) => _stack.Add(value);

    private PickleValue Top() =>
        _stack.Count > Floor ? _stack[^1] : throw Fault("it takes a value where there is none");

    private PickleValue Pop()
    {
        var value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private PickleValue[] Take(int count) =>
        _stack.Count - count >= Floor ? Cut(_stack.Count - count) : throw Fault("it takes a value where there is none");

    private PickleValue[] TakeToMark() =>
        _marks.TryPop(out var mark) ? Cut(mark) : throw Fault("it goes back to a mark that was not set");

    private PickleValue[] Cut(int from)
    {
        var items = _stack[from..].ToArray();
        _stack.RemoveRange(from, items.Length);
        return items;
    }

    private int Floor => _marks.TryPeek(out var mark) ? mark : 0;

    private PickleValue Remembered(uint index) =>
        _memo.GetValueOrDefault(index) ?? throw Fault($"it recalls value {index}, which it did not remember");

    private BigInteger Integer(uint length) => length <= LongestInteger
        ? new BigInteger(Bytes(length))
        : throw Fault($"an integer of {length} bytes, expected at most {LongestInteger}");

    private string Text(ulong length)
    {
        try
        {
            return StrictUtf8.GetString(Bytes(length));
        }
        catch (DecoderFallbackException)
        {
            throw Fault("a text is not valid UTF-8");
        }
    }

    private string Line()
    {
        var line = new StringBuilder();
        for (var next = Byte(); next != '\n'; next = Byte())
        {
            line.Append((char)next);
            if (line.Length > PickleNames.Longest)
            {
                throw Fault($"a name of more than {PickleNames.Longest} characters");
            }
        }

        return line.ToString();
    }

    private byte Byte()
    {
        var next = stream.ReadByte();
        return next >= 0 ? (byte)next : throw Fault("the file ends inside the pickle: it was cut short");
    }

    private byte[] Bytes(ulong length)
    {
        var left = stream.Length - stream.Position;
        if (length > (ulong)left || length > (ulong)Array.MaxLength)
        {
            throw Fault($"a value of {length} bytes, and {left} are left");
        }

        var bytes = new byte[length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    private ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    private static readonly UTF8Encoding StrictUtf8 = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true);
}

/// <summary>A fault of a pickle. The reader adds the place.</summary>
internal sealed class PickleException(string message) : Exception(message);
