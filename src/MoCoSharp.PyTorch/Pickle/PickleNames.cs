using System.Text;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>A name that a pickle may refer to, and the function that replaces its call.</summary>
/// <param name="name">Name in Python.</param>
/// <param name="make">Makes the result of a call.</param>
internal sealed class PickleName(string name, Func<PickleTuple, PickleValue> make) : PickleValue
{
    public override string Kind => $"the bare name {name}";

    public bool IsStorage { get; init; }

    public ScalarType? StorageType { get; init; } // null: bytes

    public PickleValue Make(PickleTuple arguments) => make(arguments);

    public ScalarType? AsStorageType() =>
        IsStorage ? StorageType : throw PickleReader.Fault($"{name} is used as the type of a storage");
}

/// <summary>
/// All names that a pickle may refer to: of tensors, and of plain values beside them. None of them executes anything.
/// </summary>
internal static class PickleNames
{
    public const int Longest = 200; // characters

    private static readonly Dictionary<string, PickleName> Known = All()
        .ToDictionary(item => item.Name, item => item.Value, StringComparer.Ordinal);
    /// <summary>The value that replaces a name.</summary>
    /// <exception cref="PickleException">The name is unknown.</exception>
    public static PickleValue Find(string module, string name)
    {
        var full = $"{module}.{name}";
        if (Known.TryGetValue(full, out var known))
        {
            return known;
        }

        if (module is "torch" or "torch.storage")
        {
            if (name == "UntypedStorage" || TorchTypes.OfStorage(name) is not null)
            {
                return new PickleName(full, _ => throw Wrong(full))
                {
                    IsStorage = true,
                    StorageType = TorchTypes.OfStorage(name),
                };
            }

            if (TorchTypes.OfDType(name) is not null)
            {
                return full; // an element type among the options of a training becomes a text
            }
        }

        throw Refused(module, name);
    }

    /// <summary>The reason why a name is refused.</summary>
    public static PickleException Refused(string module, string name)
    {
        var full = new string([
            .. $"{module}.{name}".Take(Longest).Select(letter => char.IsControl(letter) ? '?' : letter),
        ]);
        if (
            name.Contains("qtensor", StringComparison.Ordinal)
            || name.Contains("qint", StringComparison.OrdinalIgnoreCase)
            || name.Contains("quint", StringComparison.OrdinalIgnoreCase))
        {
            return new(
                $"it asks for {full}: it holds quantized tensors, which are not supported. Save the weights from " +
                "before the quantization");
        }

        if (name.Contains("sparse", StringComparison.Ordinal))
        {
            return new($"it asks for {full}: it holds sparse tensors, which are not supported. Save them dense");
        }

        if (module.StartsWith("__torch__", StringComparison.Ordinal))
        {
            return new($"it asks for {full}: it is a TorchScript program. Save model.state_dict() instead");
        }

        if (
            module.StartsWith("torch", StringComparison.Ordinal)
            || name.StartsWith("_rebuild", StringComparison.Ordinal))
        {
            return new(
                $"it asks for {full}, which is neither a tensor nor a plain value. Save only model.state_dict(), " +
                "not the model or other objects");
        }

        return new(
            $"it asks for {full}, which is neither a tensor nor a plain value: refused, and nothing of the file was " +
            "executed. If you trust its source, save only its state_dict");
    }

    /// <summary>Python's __setstate__, for the few values that have a state.</summary>
    public static void SetState(PickleValue target, PickleValue state)
    {
        switch (target)
        {
            case PickleDictionary { IsNamespace: true } items when state is PickleDictionary attributes:
                foreach (var (key, value) in attributes)
                {
                    items[key] = value;
                }

                break;
            case PickleDictionary { IsOrderedDict: true } when state is PickleDictionary:
                break; // _metadata: versions of modules, not needed for the values
            default:
                NumpyNames.SetState(target, state);
                break;
        }
    }

    internal static (string Name, PickleName Value) Call(string name, Func<PickleTuple, PickleValue> make) =>
        (name, new PickleName(name, make));

    internal static PickleException Wrong(string name) =>
        PickleReader.Fault($"the arguments of {name} are not those of a plain tensor or value");

    private static IEnumerable<(string Name, PickleName Value)> All() =>
    [
        Call("collections.OrderedDict", Dictionary),
        Call(
            "collections.Counter",
            arguments => arguments is [PickleDictionary counts] ? counts : Dictionary(arguments)),
        Call(
            "argparse.Namespace",
            arguments =>
                arguments.Count == 0
                    ? new PickleDictionary { IsNamespace = true }
                    : throw Wrong("argparse.Namespace")),
        Call("torch._utils._rebuild_tensor", arguments =>
            arguments is [TorchStorage storage, var offset, var shape, var strides]
                ? storage.View(null, offset, shape, strides)
                : throw Wrong("_rebuild_tensor")),
        Call("torch._utils._rebuild_tensor_v2", arguments =>
            arguments is [TorchStorage storage, var offset, var shape, var strides, PickleBoolean, var hooks, ..]
            && IsEmpty(hooks) && (arguments.Count == 6 || (arguments.Count == 7 && IsEmpty(arguments[6])))
                ? storage.View(null, offset, shape, strides)
                : throw Wrong("_rebuild_tensor_v2")),
        Call("torch._utils._rebuild_tensor_v3", arguments =>
            arguments is
            [
                TorchStorage storage, var offset, var shape, var strides, PickleBoolean, var hooks, PickleText type, ..,
            ]
            && IsEmpty(hooks) && (arguments.Count == 7 || (arguments.Count == 8 && IsEmpty(arguments[7])))
                ? storage.View(
                    TorchTypes.OfDType(type.Value.Replace("torch.", "", StringComparison.Ordinal)),
                    offset, shape, strides)
                : throw Wrong("_rebuild_tensor_v3")),
        Call("torch._utils._rebuild_parameter", arguments =>
            arguments is [PickleTensor tensor, PickleBoolean, var hooks] && IsEmpty(hooks)
                ? tensor
                : throw Wrong("_rebuild_parameter")),
        Call("torch.Size", arguments => arguments is [PickleTuple sizes] ? sizes : throw Wrong("torch.Size")),
        Call("torch.device", arguments => arguments switch
        {
            [PickleText type] => type,
            [PickleText type, PickleInteger index] => $"{type}:{index}",
            _ => throw Wrong("torch.device"),
        }),
        Call(
            "_codecs.encode",
            arguments =>
                arguments is [PickleText text, PickleText { Value: "latin1" }]
                && text.Value.All(letter => letter <= 0xff)
            ? new PickleBytes(Encoding.Latin1.GetBytes(text.Value)) : throw Wrong("_codecs.encode")),
        .. NumpyNames.All,
    ];

    private static bool IsEmpty(PickleValue value) => value is PickleNone or PickleDictionary { Count: 0 };

    private static PickleDictionary Dictionary(PickleTuple arguments)
    {
        var dictionary = new PickleDictionary(isOrderedDict: true);
        if (arguments.Count == 0)
        {
            return dictionary;
        }

        foreach (var pair in arguments is [PickleList pairs] ? pairs : throw Wrong("OrderedDict"))
        {
            var (key, value) = pair switch
            {
                PickleTuple and [var first, var second] => (first, second),
                PickleList and [var first, var second] => (first, second),
                _ => throw Wrong("OrderedDict"),
            };
            dictionary[PickleDictionary.IsKey(key) ? key : throw Wrong("OrderedDict")] = value;
        }

        return dictionary;
    }
}
