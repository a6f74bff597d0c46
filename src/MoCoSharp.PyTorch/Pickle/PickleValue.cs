using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>A node of the tree in a PyTorch file: a plain value, a collection or a tensor.</summary>
/// <remarks>
/// Strings, numbers and tensors convert implicitly, so that a tree in C# reads like the same tree in Python.
/// Dictionaries and tensors have a class of their own; a list or a tuple is an <see cref="IReadOnlyList{T}"/> of
/// values. <see cref="ToObject"/> returns any other value as a plain .NET object.
/// </remarks>
public abstract class PickleValue
{
    private protected PickleValue()
    {
    }

    /// <summary>The kind of value, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>None.</summary>
    public static PickleValue None { get; } = new PickleNone();

    /// <summary>
    /// The value as a plain .NET object: null for None, a boolean, a <see cref="BigInteger"/>, a double, a string, or
    /// an array of bytes. A collection or a tensor returns itself.
    /// </summary>
    public virtual object? ToObject() => this;

    /// <summary>A list.</summary>
    public static PickleValue List(params IEnumerable<PickleValue> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var list = new PickleList();
        foreach (var item in items)
        {
            list.Add(item);
        }

        return list;
    }

    /// <summary>A tuple.</summary>
    public static PickleValue Tuple(params PickleValue[] items) => new PickleTuple(items);

    /// <summary>A text.</summary>
    public static implicit operator PickleValue(string value) => new PickleText(value);

    /// <summary>An integer.</summary>
    public static implicit operator PickleValue(long value) => new PickleInteger(value);

    /// <summary>A float.</summary>
    public static implicit operator PickleValue(double value) => new PickleFloat(value);

    /// <summary>A boolean.</summary>
    public static implicit operator PickleValue(bool value) => value ? PickleBoolean.True : PickleBoolean.False;

    /// <summary>Bytes.</summary>
    public static implicit operator PickleValue(byte[] value) => new PickleBytes(value);

    /// <summary>A tensor, which stays the caller's.</summary>
    public static implicit operator PickleValue(Tensor value) => new PickleTensor(value);
}

/// <summary>None.</summary>
internal sealed class PickleNone : PickleValue
{
    internal PickleNone()
    {
    }

    /// <inheritdoc/>
    public override string Kind => "None";

    /// <inheritdoc/>
    public override object? ToObject() => null;

    /// <inheritdoc/>
    public override string ToString() => "None";
}

/// <summary>True or False.</summary>
internal sealed class PickleBoolean : PickleValue
{
    private PickleBoolean(bool value) => Value = value;

    /// <summary>The value.</summary>
    public bool Value { get; }

    /// <inheritdoc/>
    public override string Kind => "a boolean";

    /// <inheritdoc/>
    public override object? ToObject() => Value;

    internal static PickleBoolean True { get; } = new(true);

    internal static PickleBoolean False { get; } = new(false);

    /// <inheritdoc/>
    public override string ToString() => Value ? "True" : "False";
}

/// <summary>An integer of any size.</summary>
/// <param name="value">The value.</param>
internal sealed class PickleInteger(BigInteger value) : PickleValue
{
    /// <summary>The value.</summary>
    public BigInteger Value => value;

    /// <inheritdoc/>
    public override string Kind => "an integer";

    /// <inheritdoc/>
    public override object? ToObject() => Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString();
}

/// <summary>A float of 64 bits.</summary>
/// <param name="value">The value.</param>
internal sealed class PickleFloat(double value) : PickleValue
{
    /// <summary>The value.</summary>
    public double Value => value;

    /// <inheritdoc/>
    public override string Kind => "a float";

    /// <inheritdoc/>
    public override object? ToObject() => Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A text.</summary>
/// <param name="value">The value.</param>
internal sealed class PickleText(string value) : PickleValue
{
    /// <summary>The value.</summary>
    public string Value => value;

    /// <inheritdoc/>
    public override string Kind => "a text";

    /// <inheritdoc/>
    public override object? ToObject() => Value;

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Bytes.</summary>
/// <param name="value">The value.</param>
internal sealed class PickleBytes(byte[] value) : PickleValue
{
    /// <summary>The value.</summary>
    public ReadOnlyMemory<byte> Value => value;

    /// <inheritdoc/>
    public override string Kind => "bytes";

    /// <inheritdoc/>
    public override object? ToObject() => value;
}

/// <summary>A list.</summary>
internal sealed class PickleList : PickleValue, IReadOnlyList<PickleValue>
{
    private readonly List<PickleValue> _items = [];

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public override string Kind => "a list";

    /// <inheritdoc/>
    public PickleValue this[int index] => _items[index];

    /// <summary>Adds an item at the end.</summary>
    public void Add(PickleValue item) => _items.Add(item);

    /// <inheritdoc/>
    public IEnumerator<PickleValue> GetEnumerator() => _items.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A tuple.</summary>
/// <param name="items">The items.</param>
internal sealed class PickleTuple(params PickleValue[] items) : PickleValue, IReadOnlyList<PickleValue>
{
    /// <inheritdoc/>
    public int Count => items.Length;

    /// <inheritdoc/>
    public override string Kind => "a tuple";

    internal static PickleTuple Empty { get; } = new();

    /// <inheritdoc/>
    public PickleValue this[int index] => items[index];

    /// <inheritdoc/>
    public IEnumerator<PickleValue> GetEnumerator() => items.AsEnumerable().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A dictionary that keeps its order. A key is a text, a number, a boolean or None.</summary>
/// <param name="isOrderedDict">
/// Whether it is a collections.OrderedDict in Python, as state dictionaries are, or a dict.
/// </param>
public sealed class PickleDictionary(bool isOrderedDict = false)
    : PickleValue,
        IReadOnlyCollection<KeyValuePair<PickleValue, PickleValue>>
{
    private readonly OrderedDictionary<object, (PickleValue Key, PickleValue Value)> _items = [];

    internal bool IsNamespace { get; init; } // argparse.Namespace: its attributes are the items

    /// <summary>Whether it is a collections.OrderedDict in Python.</summary>
    public bool IsOrderedDict => isOrderedDict;

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <inheritdoc/>
    public override string Kind => "a dictionary";

    /// <summary>The value of a key. Setting an existing key keeps its place.</summary>
    /// <exception cref="KeyNotFoundException">The key does not exist.</exception>
    /// <exception cref="ArgumentException">The key is not a text, number, boolean or None.</exception>
    public PickleValue this[PickleValue key]
    {
        get =>
            TryGet(key, out var value)
                ? value
                : throw new KeyNotFoundException(
                    $"has no {key}: found {string.Join(", ", _items.Values.Take(6).Select(item => item.Key))}");
        set =>
            _items[
                Key(key)
                    ?? throw new ArgumentException(
                        $"A key is {key?.Kind}, expected a text, a number, a boolean or None.",
                        nameof(key))
            ] = (key, value);
    }

    /// <summary>Looks up a key.</summary>
    public bool TryGet(PickleValue key, [NotNullWhen(true)] out PickleValue? value)
    {
        value = Key(key) is { } known && _items.TryGetValue(known, out var item) ? item.Value : null;
        return value is not null;
    }

    /// <summary>The tensors among the values, with their names, in order.</summary>
    public IEnumerable<KeyValuePair<string, PickleTensor>> Tensors() =>
        from item in _items.Values
        where item is { Key: PickleText, Value: PickleTensor }
        select KeyValuePair.Create(((PickleText)item.Key).Value, (PickleTensor)item.Value);

    /// <summary>Adds a pair, for collection initializers.</summary>
    public void Add(PickleValue key, PickleValue value) => this[key] = value;

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<PickleValue, PickleValue>> GetEnumerator() =>
        _items.Values.Select(item => KeyValuePair.Create(item.Key, item.Value)).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static bool IsKey(PickleValue value) => Key(value) is not null;

    // The object that .NET compares keys by; null for an invalid kind of key.
    private static object? Key(PickleValue? key) => key switch
    {
        PickleText text => text.Value,
        PickleInteger integer => integer.Value,
        PickleFloat number => number.Value,
        PickleBoolean boolean => boolean.Value,
        PickleNone => DBNull.Value,
        _ => null,
    };
}

/// <summary>
/// A tensor: the caller's, or a view of a file's storage, made at first use.
/// </summary>
public sealed class PickleTensor : PickleValue
{
    private Func<Tensor>? _make;
    private TensorOwner? _owner;
    private Tensor? _tensor;

    /// <summary>A tensor to write. It stays the caller's.</summary>
    /// <param name="tensor">Any device, type and layout.</param>
    public PickleTensor(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        (Type, Shape, _tensor) = (tensor.dtype, tensor.shape, tensor);
    }

    internal PickleTensor(ScalarType type, long[] shape, Func<Tensor> make, TensorOwner owner) =>
        (Type, Shape, _make, _owner) = (type, shape, make, owner);

    // A NumPy array. A pickle creates it first and fills it later.
    internal PickleTensor() => Shape = [];

    /// <summary>Element type.</summary>
    public ScalarType Type { get; private set; }

    /// <summary>Shape of the tensor.</summary>
    public IReadOnlyList<long> Shape { get; private set; }

    /// <summary>Size of the values, in bytes.</summary>
    public long SizeBytes => Shape.Aggregate((long)TorchTypes.Size(Type), (size, dimension) => size * dimension);

    /// <summary>
    /// The tensor. A tensor of a file is on the CPU and lives until the file is disposed. It shares storage as when it
    /// was saved, and is memory-mapped if possible. Changes of its values do not reach the file.
    /// </summary>
    public Tensor Tensor => _tensor ??= _owner!.Keep(_make!());

    /// <inheritdoc/>
    public override string Kind => $"a tensor of type {Type} and shape [{string.Join(", ", Shape)}]";

    internal bool IsFilled => _tensor is not null || _make is not null;

    internal void Fill(ScalarType type, long[] shape, Func<Tensor> make) => (Type, Shape, _make) = (type, shape, make);

    internal void BelongsTo(TensorOwner owner) => _owner ??= owner;
}
