using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Keeps the tensors of a file, and disposes them with it.</summary>
internal sealed class TensorOwner : IDisposable
{
    private readonly List<Tensor> _tensors = [];

    public Tensor Keep(Tensor tensor)
    {
        tensor.DetachFromDisposeScope();
        _tensors.Add(tensor);
        return tensor;
    }

    /// <summary>A function that makes the tensor of each type once.</summary>
    public Func<ScalarType, Tensor> KeepEach(Func<ScalarType, Tensor> make)
    {
        var made = new Dictionary<ScalarType, Tensor>();
        return type => made.TryGetValue(type, out var tensor) ? tensor : made[type] = Keep(make(type));
    }

    public void Dispose()
    {
        foreach (var tensor in _tensors)
        {
            tensor.Dispose();
        }

        _tensors.Clear();
    }
}

/// <summary>A storage of a file: values of one type. Tensors are views of it.</summary>
internal sealed class TorchStorage : PickleValue
{
    private const long LargestSpread = 64 << 20; // bytes of an expanded tensor that are allowed in a smaller file

    private readonly ScalarType? _type; // null: bytes; each tensor has its own type
    private readonly long _size;        // bytes
    private readonly long _first;       // bytes from the start of the stored run
    private readonly long _fileSize;    // bytes
    private readonly Func<ScalarType, Tensor> _values; // the whole stored run as elements of a type
    private readonly TensorOwner _owner;

    /// <summary>Creates a storage.</summary>
    /// <param name="type">Element type; null for bytes.</param>
    /// <param name="size">Size in bytes.</param>
    /// <param name="fileSize">Size of the whole file in bytes.</param>
    /// <param name="read">
    /// Reads the values as a one-dimensional tensor of a type. Called once for each type, at first use.
    /// </param>
    /// <param name="owner">Keeps the tensors.</param>
    public TorchStorage(ScalarType? type, long size, long fileSize, Func<ScalarType, Tensor> read, TensorOwner owner)
        : this(type, size, 0, fileSize, owner.KeepEach(read), owner)
    {
    }

    private TorchStorage(
        ScalarType? type, long size, long first, long fileSize, Func<ScalarType, Tensor> values, TensorOwner owner)
    {
        _type = type;
        _size = size;
        _first = first;
        _fileSize = fileSize;
        _values = values;
        _owner = owner;
    }

    public override string Kind => "a bare storage";

    public bool Is(ScalarType? type, long size) => _type == type && _size == size;

    /// <summary>A part of this storage, as in files of PyTorch before 0.4.</summary>
    /// <param name="first">First element.</param>
    /// <param name="count">Number of elements.</param>
    public TorchStorage Part(BigInteger first, BigInteger count)
    {
        var elementSize = _type is { } type ? TorchTypes.Size(type) : 1;
        return first >= 0 && count >= 0 && (first + count) * elementSize <= _size
            ? new(_type, (long)count * elementSize, _first + ((long)first * elementSize), _fileSize, _values, _owner)
            : throw new PickleException(
                $"a part of a storage, {count} elements from {first} on, is outside its {_size} bytes");
    }

    /// <summary>A tensor that is a view of this storage.</summary>
    /// <param name="asked">Element type, for a storage of bytes.</param>
    /// <param name="offset">Offset in elements.</param>
    /// <param name="shape">Integers.</param>
    /// <param name="strides">Integers, in elements.</param>
    public PickleTensor View(ScalarType? asked, PickleValue offset, PickleValue shape, PickleValue strides)
    {
        var type = _type ?? asked ?? throw new PickleException("a tensor uses a storage without type");
        if (asked is not null && asked != type)
        {
            throw new PickleException($"a tensor of type {asked} uses a storage of type {type}");
        }

        if (
            Integer(offset) is not { } start
            || Integers(shape) is not { } sizes
            || Integers(strides) is not { } steps
            || sizes.Length != steps.Length)
        {
            throw new PickleException(
                "offset, shape or strides of a tensor are not integers of 64 bits, too many, or not as many");
        }

        var elementSize = TorchTypes.Size(type);
        PickleException Fault(string what) =>
            new(
                $"a tensor of shape [{string.Join(", ", sizes)}], strides [{string.Join(", ", steps)}] and offset " +
                $"{start} {what}");
        if (Elements(sizes) is not { } count || start < 0 || steps.Any(step => step < 0))
        {
            throw Fault("is invalid: a number is negative or too large");
        }

        BigInteger last = start;
        for (var i = 0; i < sizes.Length; i++)
        {
            last += ((BigInteger)sizes[i] - 1) * steps[i];
        }

        if (count > 0 && (last + 1) * elementSize > _size)
        {
            throw Fault($"is outside its storage of {_size / elementSize} elements");
        }

        if ((BigInteger)count * elementSize > Math.Max(_fileSize, LargestSpread))
        {
            throw Fault(
                $"expands a storage of {_size / elementSize} elements over {count}, more than the whole file holds");
        }

        return new PickleTensor(
            type,
            sizes,
            () => count == 0 ? empty(sizes, dtype: type) : Make(type, start, sizes, steps),
            _owner);
    }

    /// <summary>The number of elements of a shape; null if no tensor can have this shape.</summary>
    public static long? Elements(ReadOnlySpan<long> shape)
    {
        Int128 count = 1, spread = 1; // torch also multiplies the sizes of an empty tensor
        foreach (var size in shape)
        {
            count *= size;
            spread *= Math.Max(1, size);
            if (size < 0 || spread > long.MaxValue / 16)
            {
                return null;
            }
        }

        return shape.Length <= 64 ? (long)count : null;
    }

    private Tensor Make(ScalarType type, long offset, long[] shape, long[] strides)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = _values(type);
        return values
            .as_strided(shape, strides, values.storage_offset() + (_first / TorchTypes.Size(type)) + offset)
            .MoveToOuterDisposeScope();
    }

    private static long[]? Integers(PickleValue value) =>
        value is PickleTuple { Count: <= 64 } tuple && tuple.All(item => Integer(item) is not null)
            ? [.. tuple.Select(item => Integer(item)!.Value)]
            : null;

    private static long? Integer(PickleValue value) =>
        value is PickleInteger { Value: var integer } && integer >= long.MinValue && integer <= long.MaxValue
            ? (long)integer
            : null;
}
