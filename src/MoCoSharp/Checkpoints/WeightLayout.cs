namespace MoCoSharp.Checkpoints;

/// <summary>How a kind of file names the tensors of its encoders: the one place where foreign names meet ours.</summary>
/// <param name="Kind">What such a file is, for people.</param>
/// <param name="Query">Foreign name to our name within the query encoder ("conv1.weight"), with torchvision's spelling.</param>
/// <param name="Key">The same for the key encoder; null where there is none.</param>
/// <param name="Queue">The name of the queue; null where there is none.</param>
/// <param name="QueuePosition">The name of its pointer; null where there is none.</param>
internal sealed record WeightLayout(
    string Kind, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string>? Key, string? Queue, string? QueuePosition)
{
    /// <summary>Recognises a file by its names.</summary>
    /// <param name="shapes">Every tensor's shape, by name, in the file's order.</param>
    /// <param name="prefix">What precedes "conv1.weight" where a file holds several networks; null finds it.</param>
    /// <exception cref="InvalidDataException">It is none that is known; the message says what there is.</exception>
    public static WeightLayout Recognise(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string? prefix)
    {
        if (prefix is null && Ending(shapes, "encoder_q.conv1.weight") is { } official)
        {
            return Pair("MoCo's official layout", official, OfficialNames.Query, OfficialNames.Key, root => Plain(shapes, root));
        }

        if (prefix is null && Ending(shapes, "encoder_q.net.0.weight") is { } demo)
        {
            return Pair("the CIFAR demo of MoCo's authors", demo, "encoder_q.net.", "encoder_k.net.", root => Numbered(shapes, root));
        }

        if (prefix is null && Ending(shapes, "backbone.0.weight") is { } lightly)
        {
            var key = Lightly(shapes, lightly, "_momentum");
            var bank = shapes.Keys.FirstOrDefault(name => name.EndsWith("memory_bank.bank", StringComparison.Ordinal));
            return new("lightly's MoCo", Lightly(shapes, lightly, ""), key.Count > 0 ? key : null, bank, bank is null ? null : bank + "_ptr");
        }

        var roots = shapes.Keys.Where(name => IsFirstLayer(name)).Select(name => name[..^"conv1.weight".Length])
            .Where(root => !root.StartsWith("optimizer.velocity.", StringComparison.Ordinal)).ToList(); // of our own checkpoints
        return (prefix is null ? roots : [.. roots.Where(root => root == prefix)]) switch
        {
            [var root] => new($"a bare ResNet{(root.Length == 0 ? "" : $" under {root}")}", Plain(shapes, root), null, null, null),
            [] when shapes.Keys.Any(name => name.EndsWith("conv1.0.weight", StringComparison.Ordinal)) => throw new InvalidDataException(
                "its first layer is a stack of convolutions (conv1.0, as timm's resnet50d has), which the encoders here have not."),
            [] => throw new InvalidDataException(
                $"it has no ResNet or MoCo that is known here: no tensor is called {prefix ?? "*"}conv1.weight. It begins with {string.Join(", ", shapes.Keys.Take(4))}."),
            _ => throw new InvalidDataException($"it holds several networks, under {string.Join(", ", roots.Select(root => $"\"{root}\""))}. Choose one: --prefix {roots[0]}"),
        };

        WeightLayout Pair(string kind, string root, string query, string key, Func<string, Dictionary<string, string>> names)
        {
            var other = names(root + key);
            var queue = shapes.ContainsKey(root + OfficialNames.Queue) ? root + OfficialNames.Queue : null;
            return new(kind, names(root + query), other.Count > 0 ? other : null, queue, queue is null ? null : root + OfficialNames.QueuePosition);
        }
    }

    // torchvision's own names, and the two words that CIFAR ResNets are known to use for the same.
    private static Dictionary<string, string> Plain(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string root) => shapes.Keys
        .Where(name => name.StartsWith(root, StringComparison.Ordinal))
        .ToDictionary(name => name, name => Spelling(name[root.Length..]), StringComparer.Ordinal);

    // A ResNet that was cut up into a Sequential: each part has its number, and is known by what it holds.
    private static Dictionary<string, string> Numbered(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string root)
    {
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        var stage = 1;
        foreach (var name in shapes.Keys.Where(name => name.StartsWith(root, StringComparison.Ordinal)))
        {
            var rest = name[root.Length..];
            var number = rest.Split('.')[0];
            if (rest == $"{number}.weight")
            {
                parts[number] = shapes[name].Count switch { 4 => "conv1", 2 => "fc", _ => "bn1" };
            }
            else if (rest == $"{number}.0.conv1.weight")
            {
                parts[number] = $"layer{stage++}";
            }
        }

        return shapes.Keys.Where(name => name.StartsWith(root, StringComparison.Ordinal)).ToDictionary(
            name => name,
            name => name[root.Length..].Split('.', 2) is [var number, var rest] && parts.TryGetValue(number, out var part) ? Spelling($"{part}.{rest}") : name[root.Length..],
            StringComparer.Ordinal);
    }

    private static Dictionary<string, string> Lightly(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string root, string suffix)
    {
        var names = Numbered(shapes, $"{root}backbone{suffix}.");
        var head = $"{root}projection_head{suffix}.layers.";
        foreach (var name in shapes.Keys.Where(name => name.StartsWith(head, StringComparison.Ordinal)))
        {
            names[name] = "fc." + name[head.Length..];
        }

        return names;
    }

    private static string Spelling(string name) => name
        .Replace(".shortcut.", ".downsample.", StringComparison.Ordinal)
        .Replace("linear.", "fc.", StringComparison.Ordinal);

    // What precedes an ending: nothing if it is there alone (our own checkpoints also hold its velocity), else what precedes the only one.
    private static string? Ending(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string ending) => shapes.ContainsKey(ending) ? ""
        : shapes.Keys.Where(name => name.EndsWith("." + ending, StringComparison.Ordinal)).ToList() is [var name] ? name[..^ending.Length] : null;

    // conv1.weight of a network, not of one of its blocks.
    private static bool IsFirstLayer(string name) => (name == "conv1.weight" || name.EndsWith(".conv1.weight", StringComparison.Ordinal))
        && !name.Split('.').SkipLast(2).Any(part => part.Length > 5 && part.StartsWith("layer", StringComparison.Ordinal) && char.IsAsciiDigit(part[5]));
}
