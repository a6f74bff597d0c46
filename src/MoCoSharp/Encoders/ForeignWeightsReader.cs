using MoCoSharp.Data;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Reads the weights of a foreign file: names, then shapes, then the other parts of a training.</summary>
internal sealed class ForeignWeightsReader(
    string path,
    IDisposable file,
    IReadOnlyDictionary<string, Tensor> tensors,
    IReadOnlyDictionary<string, IReadOnlyList<long>> shapes,
    PickleDictionary? root,
    string? prefix,
    EncoderStem? stem)
{
    private readonly List<string> _ignored = [];

    public ForeignWeights Weights()
    {
        using var scope = NewDisposeScope();
        WeightLayout layout;
        try
        {
            layout = WeightLayout.Recognize(shapes, prefix, Misfit, IsSame);
        }
        catch (InvalidDataException error)
        {
            throw new InvalidDataException($"{path}: {error.Message}", error);
        }

        var (options, outputs) = EncoderShape.Infer(path, ShapesOf(layout.Query), stem, _ignored);
        var query = Encoder(layout.Query, outputs is null);
        var key =
            layout.Key is null || ShapesOf(layout.Key).Count == 0 ? null : Encoder(layout.Key, outputs is null);
        EncoderShape.Compare(path, options, outputs, query);
        if (key is not null)
        {
            EncoderShape.Compare(path, options, outputs, key);
        }

        var (queue, position) = Queue(layout, outputs);
        var velocities = Optimizer(layout, query, out var sgd);
        FiniteValues.Check(
            path,
            InTheFile(layout.Query, query)
                .Concat(key is null ? [] : InTheFile(layout.Key!, key))
            .Concat(queue is null ? [] : [(layout.Queue!, queue)])
            .Concat((velocities ?? []).Select(item => ($"the optimizer's velocity of {item.Key}", item.Value))));
        Ignore(layout);

        return new ForeignWeights(file)
        {
            Kind = Describe(layout.Kind, options, outputs),
            Encoder = options,
            OutputSize = outputs,
            Query = query,
            Key = key,
            Queue = queue?.DetachFromDisposeScope(),
            QueuePosition = position,
            Velocities = velocities,
            Sgd = sgd,
            Epochs =
                root is not null
                && root.TryGet("epoch", out var epoch)
                && epoch is PickleInteger { Value: var done }
                && done >= 0
                && done <= int.MaxValue
                    ? (int)done
                    : null,
            Ignored = _ignored,
        };
    }

    /// <summary>A kind of file with the architecture that it holds.</summary>
    public static string Describe(string kind, EncoderOptions options, int? outputs) =>
        $"{kind}: ResNet-{options.Depth}{(options.Width == 64 ? "" : $" of width {options.Width}")}, " +
        $"{options.Stem.Name()} stem, " +
        (outputs is null ? "no head that fits" : $"{options.Head.Name()} head to {outputs}");

    // Why a network is not supported; null if it is.
    private string? Misfit(FoundNetwork network)
    {
        try
        {
            EncoderShape.Infer("", ShapesOf(network.Names), stem, []);
            return null;
        }
        catch (InvalidDataException error)
        {
            return error.Message[2..]; // without the file name
        }
    }

    private bool IsSame(FoundNetwork first, FoundNetwork second)
    {
        var (mine, theirs) = (ShapesOf(first.Names), ShapesOf(second.Names));
        if (
            mine.Count != theirs.Count
            || mine.Any(item => !theirs.TryGetValue(item.Key, out var shape) || !shape.SequenceEqual(item.Value)))
        {
            return false;
        }

        var names = second.Names.ToDictionary(item => item.Value, item => item.Key, StringComparer.Ordinal);
        return first.Names.All(item => tensors[item.Key].eq(tensors[names[item.Value]]).all().item<bool>());
    }

    private Dictionary<string, IReadOnlyList<long>> ShapesOf(IReadOnlyDictionary<string, string> names)
    {
        var found = new Dictionary<string, IReadOnlyList<long>>(StringComparer.Ordinal);
        foreach (var (name, ours) in names)
        {
            if (!found.TryAdd(ours, shapes[name]))
            {
                throw new InvalidDataException($"{path}: {name} occurs twice, under two names.");
            }
        }

        return found;
    }

    private static IEnumerable<(string, Tensor)> InTheFile(
        IReadOnlyDictionary<string, string> names,
        Dictionary<string, Tensor> encoder
    ) => names.Where(item => encoder.ContainsKey(item.Value)).Select(item => (item.Key, encoder[item.Value]));

    private void Ignore(WeightLayout layout)
    {
        foreach (var (other, chosenBy) in layout.Others)
        {
            _ignored.Add(
                $"{(other.Length == 0 ? "what lies at the top" : other.TrimEnd('.'))}, another ResNet: choose " +
                $"it with --prefix {Shell.Quote(chosenBy.Length > 1 ? chosenBy.TrimEnd('.') : chosenBy)}");
        }

        var used = layout
            .Query.Keys.Concat(layout.Key?.Keys ?? [])
            .Append(layout.Queue ?? "")
            .Append(layout.QueuePosition ?? "")
            .ToHashSet(StringComparer.Ordinal);
        var others = tensors
            .Keys.Where(name =>
                !used.Contains(name)
                && !layout.Others.Any(other =>
                    other.Root.Length > 0 && name.StartsWith(other.Root, StringComparison.Ordinal)))
            .ToList();
        if (others.Count > 0)
        {
            _ignored.Add(
                $"{others.Count} {(others.Count == 1 ? "tensor that belongs" : "tensors that belong")} to no " +
                "encoder: "
                    + $"{string.Join(", ", others.Take(4))}{(others.Count > 4 ? ", ..." : "")}");
        }
    }

    private Dictionary<string, Tensor> Encoder(IReadOnlyDictionary<string, string> names, bool withoutHead) => names
        .Where(item => !withoutHead || !item.Value.StartsWith("fc.", StringComparison.Ordinal))
        .ToDictionary(item => item.Value, item => tensors[item.Key], StringComparer.Ordinal);

    // The queue is [C, K] in official files and [K, C] here.
    private (Tensor? Queue, long Position) Queue(WeightLayout layout, int? outputs)
    {
        if (layout.Queue is null || outputs is null)
        {
            return (null, 0);
        }

        var stored = tensors[layout.Queue];
        if (stored.shape is not [var first, var second] || (first != outputs && second != outputs))
        {
            _ignored.Add(
                $"{layout.Queue}: is of shape [{string.Join(", ", stored.shape)}], expected [{outputs}, K]");
            return (null, 0);
        }

        using var noGrad = no_grad();
        var queue = (first == outputs ? stored.t() : stored).to(float32, copy: true).contiguous();
        var position =
            layout.QueuePosition is not null
            && tensors.TryGetValue(layout.QueuePosition, out var pointer)
            && pointer.numel() == 1
            ? pointer.to(int64).item<long>() : 0;
        if (position < 0 || position >= queue.shape[0])
        {
            throw new InvalidDataException(
                $"{path}: {layout.QueuePosition} is {position}, expected 0 to {queue.shape[0] - 1}, a row of " +
                "the queue.");
        }

        return (queue, position);
    }

    // PyTorch numbers the parameters of the whole model in order. Those of encoder_q come first, and each has a
    // velocity.
    private Dictionary<string, Tensor>? Optimizer(
        WeightLayout layout,
        Dictionary<string, Tensor> query,
        out ForeignSgd? sgd)
    {
        sgd = null;
        if (root is null || !root.TryGet("optimizer", out var found) || found is not PickleDictionary optimizer
            || !optimizer.TryGet("state", out var stateFound) || stateFound is not PickleDictionary state)
        {
            return null;
        }

        var group =
            optimizer.TryGet("param_groups", out var groups) && groups is PickleList { Count: 1 } list
                ? list[0] as PickleDictionary
                : null;
        if (group is null || Number(group, "momentum") is not { } momentum)
        {
            _ignored.Add("optimizer: is not SGD with one parameter group");
            return null;
        }

        sgd = new ForeignSgd(Number(group, "lr") ?? 0, momentum, Number(group, "weight_decay") ?? 0);
        if (
            (group.TryGet("nesterov", out var nesterov) && nesterov is PickleBoolean { Value: true })
            || Number(group, "dampening") is not (null or 0))
        {
            _ignored.Add("optimizer: uses nesterov or dampening, which this SGD does not support");
            return null;
        }

        var last = tensors.Keys.Where(layout.Query.ContainsKey).LastOrDefault();
        if (
            tensors
                .Keys.TakeWhile(name => name != last)
                .Any(name => !layout.Query.ContainsKey(name) && EncoderShape.IsParameter(name)))
        {
            _ignored.Add("optimizer: its parameter numbers include other networks");
            return null;
        }

        var velocities = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var index = 0;
        foreach (
            var name in tensors
                .Keys.Where(layout.Query.ContainsKey)
                .Select(name => layout.Query[name])
                .Where(EncoderShape.IsParameter))
        {
            var value =
                state.TryGet(index++, out var entry)
                && entry is PickleDictionary one
                && one.TryGet("momentum_buffer", out var buffer)
                    ? buffer as PickleTensor
                    : null;
            if (
                value is null
                || !query.TryGetValue(name, out var parameter)
                || !value.Shape.SequenceEqual(parameter.shape))
            {
                _ignored.Add(
                    $"optimizer: has no velocity of the right shape for parameter {index - 1}, {name}");
                return null;
            }

            velocities[name] = value.Tensor;
        }

        return velocities;
    }

    private static double? Number(PickleDictionary dictionary, string name) =>
        dictionary.TryGet(name, out var value)
        ? value switch
        {
            PickleFloat number => number.Value,
            PickleInteger integer => (double)integer.Value,
            _ => null,
        }
        : null;
}
