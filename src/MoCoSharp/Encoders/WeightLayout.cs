using MoCoSharp.Data;
using MoCoSharp.Models;

namespace MoCoSharp.Encoders;

/// <summary>The layout of a file: which tensors belong to an encoder. All foreign names are translated here.</summary>
/// <param name="Kind">A description of the layout for users.</param>
/// <param name="Query">Maps foreign names of the query encoder to torchvision's names ("conv1.weight").</param>
/// <param name="Key">The same map for the key encoder; null if there is none.</param>
/// <param name="Queue">The name of the queue; null if there is none.</param>
/// <param name="QueuePosition">The name of the queue's pointer; null if there is none.</param>
/// <param name="Others">
/// Other ResNets of the file, which are not used: the prefix of their names, and the --prefix that chooses them.
/// </param>
internal sealed record WeightLayout(
    string Kind, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string>? Key, string? Queue,
    string? QueuePosition,
    IReadOnlyList<(string Root, string Prefix)> Others)
{
    // Usual names of a dictionary of weights. The first that has a ResNet is used; its neighbors are ignored.
    private static readonly string[] Usual = ["state_dict", "model", "model_state_dict", "net"];

    // A query encoder with its key encoder.
    private sealed record Unit(FoundNetwork Query, FoundNetwork? Key);

    /// <summary>Recognizes a file by its names.</summary>
    /// <param name="shapes">Every tensor's shape, by path, in the file's order.</param>
    /// <param name="prefix">
    /// The prefix of "conv1.weight" or the name of a dictionary, for a file with several networks. Null finds the
    /// network.
    /// </param>
    /// <param name="isFit">Returns why a network is not supported; null if it is.</param>
    /// <param name="isSame">Whether two networks have the same values.</param>
    /// <exception cref="InvalidDataException">The layout is unknown; the message says what the file has.</exception>
    public static WeightLayout Recognize(
        IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, string? prefix, Func<FoundNetwork, string?> isFit,
        Func<FoundNetwork, FoundNetwork, bool> isSame)
    {
        var all = FoundNetwork.All(shapes);
        if (all.Count == 0)
        {
            throw new InvalidDataException(Nothing(shapes));
        }

        var (units, isExact) = Chosen(all, prefix);
        var fitting = units.Where(unit => isFit(unit.Query) is null).ToList();
        if (fitting.Count == 0)
        {
            throw new InvalidDataException(units.Count == 1 ? isFit(units[0].Query)! :
                $"none of the networks under {Listed(units)} is a supported ResNet. The first: " +
                $"{isFit(units[0].Query)}");
        }

        if (Meant(fitting, isSame) is not { } meant)
        {
            throw new InvalidDataException(
                $"it holds several networks, under {Listed(fitting)}. "
                    + "Choose one: --prefix " +
                        $"{string.Join(" or --prefix ", fitting.Select(unit => Shell.Quote(Choice(unit.Query, all))))}"
            );
        }

        var others = all.Where(network => network != meant.Query && network != meant.Key && isFit(network) is null)
            .Select(network => (network.Root, Choice(network, all))).ToList();
        return Create(meant, isExact, shapes, others);
    }

    private static string Nothing(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes)
    {
        if (shapes.Keys.Any(name => name.EndsWith("conv1.0.weight", StringComparison.Ordinal)))
        {
            return "its first layer is a stack of convolutions (conv1.0, as in timm's resnet50d), which is not " +
                "supported.";
        }

        var named = FoundNetwork.FirstLayers(shapes).FirstOrDefault();
        return $"it has no ResNet or MoCo that is known here: "
            + (
                named is null
                    ? "no tensor is called conv1.weight"
                    : $"{named} is there, and no layer1.0.conv1.weight beside it")
            + $". It begins with {string.Join(", ", shapes.Keys.Take(4))}.";
    }

    // The networks that --prefix names: exactly one root, or all in a dictionary. Without a prefix, all networks.
    private static (List<Unit> Units, bool IsExact) Chosen(IReadOnlyList<FoundNetwork> all, string? prefix)
    {
        if (prefix is null)
        {
            return (Paired(all), false);
        }

        var wanted = prefix.Replace('/', '.').Trim('.');
        wanted = wanted.Length == 0 ? "" : wanted + ".";
        var exact = all.Where(network => network.Root == wanted).ToList();
        exact = exact.Count > 0 || wanted.Length == 0 ? exact
            : [.. all.Where(network => network.Root.EndsWith("." + wanted, StringComparison.Ordinal))];
        if (exact.Count > 0)
        {
            return ([.. exact.Select(network => new Unit(network, null))], true);
        }

        var within = all.Where(network => ("." + network.Root).Contains("." + wanted, StringComparison.Ordinal))
            .ToList();
        return within.Count > 0 && wanted.Length > 0 ? (Paired(within), false) : throw new InvalidDataException(
            $"no ResNet lies under the prefix \"{prefix}\". There {(all.Count == 1 ? "is one" : "are some")} under " +
            $"{Listed(Paired(all))}.");
    }

    // Pairs key encoders with their query encoders.
    private static List<Unit> Paired(IReadOnlyList<FoundNetwork> networks)
    {
        var byRoot = networks.ToDictionary(network => network.Root, StringComparer.Ordinal);
        var units = networks
            .Select(network => new Unit(network, KeyRoot(network) is { } root ? byRoot.GetValueOrDefault(root) : null))
            .ToList();
        return [.. units.Where(unit => !units.Any(other => other.Key == unit.Query))];
    }

    private static string? KeyRoot(FoundNetwork network) =>
        ("." + network.Root).Contains("." + OfficialNames.Query, StringComparison.Ordinal)
            ? network.Root.Replace(OfficialNames.Query, OfficialNames.Key, StringComparison.Ordinal)
        : network.Spelling == NetworkSpelling.Numbered && IsLightly(network.Root)
            ? network.Root[..^"backbone.".Length] + "backbone_momentum."
        : null;

    private static bool IsLightly(string root) =>
        root == "backbone." || root.EndsWith(".backbone.", StringComparison.Ordinal);

    // The only network; otherwise the only one in the usual dictionary, without moving averages; otherwise one of which
    // all others are copies.
    private static Unit? Meant(List<Unit> units, Func<FoundNetwork, FoundNetwork, bool> isSame)
    {
        if (
            Usual
                .Select(name =>
                    units.Where(unit => unit.Query.Root.StartsWith(name + ".", StringComparison.Ordinal)).ToList())
            .FirstOrDefault(found => found.Count > 0) is { } usual)
        {
            units = usual;
        }

        if (units.Where(unit => !IsAverage(unit.Query.Root)).ToList() is { Count: > 0 } learned)
        {
            units = learned;
        }

        return units.Skip(1).All(unit => isSame(units[0].Query, unit.Query)) ? units[0] : null;
    }

    // "model_ema.", "state_dict_ema.", "ema_model.", "swa_model.": moving averages of other networks.
    private static bool IsAverage(string root) =>
        root.Split('.', '_').Any(word => word is "ema" or "swa" or "averaged" or "average");

    private static WeightLayout Create(
        Unit unit, bool isExact, IReadOnlyDictionary<string, IReadOnlyList<long>> shapes,
        IReadOnlyList<(string, string)> others)
    {
        var (query, key) = unit;
        var under = query.Root.Length == 0 ? "" : $" under {query.Root}";
        var pair = isExact ? -1 : ("." + query.Root).IndexOf("." + OfficialNames.Query, StringComparison.Ordinal);
        if (pair >= 0)
        {
            var queue = shapes.ContainsKey(query.Root[..pair] + OfficialNames.Queue)
                ? query.Root[..pair] + OfficialNames.Queue
                : null;
            var kind = query.Root[(pair + OfficialNames.Query.Length)..] switch
            {
                "" => "MoCo's official layout",
                "net." when query.Spelling == NetworkSpelling.Numbered => "the CIFAR demo of MoCo's authors",
                _ => $"MoCo's layout{under}",
            };
            return new(
                kind, query.Names, key?.Names, queue,
                queue is null ? null : query.Root[..pair] + OfficialNames.QueuePosition,
                others);
        }

        if (!isExact && query.Spelling == NetworkSpelling.Numbered && IsLightly(query.Root)
            && (key is not null || Head(shapes, query.Root, "").Any()))
        {
            var bank = shapes.Keys.FirstOrDefault(name => name.EndsWith("memory_bank.bank", StringComparison.Ordinal));
            return new(
                "lightly's MoCo", WithHead(query, ""), key is null ? null : WithHead(key, "_momentum"), bank,
                bank is null ? null : bank + "_ptr", others);
        }

        return new(query.Spelling switch
        {
            NetworkSpelling.Plain => $"a bare ResNet{under}",
            NetworkSpelling.Numbered => $"a bare ResNet in numbered parts{under}",
            NetworkSpelling.Detectron2 =>
                $"detectron2's ResNet{under}, taken as trained on RGB, with strides on the 3x3 convolutions",
            _ => $"a ResNet of Hugging Face's transformers{under}",
        }, query.Names, null, null, null, others);

        Dictionary<string, string> WithHead(FoundNetwork network, string suffix)
        {
            var names = new Dictionary<string, string>(network.Names, StringComparer.Ordinal);
            foreach (var (name, ours) in Head(shapes, query.Root, suffix))
            {
                names[name] = ours;
            }

            return names;
        }
    }

    // lightly stores the head beside the backbone.
    private static IEnumerable<(string Name, string Ours)> Head(
        IReadOnlyDictionary<string, IReadOnlyList<long>> shapes,
        string root,
        string suffix)
    {
        var head = $"{root[..^"backbone.".Length]}projection_head{suffix}.layers.";
        return shapes
            .Keys.Where(name => name.StartsWith(head, StringComparison.Ordinal))
            .Select(name => (name, "fc." + name[head.Length..]));
    }

    private static string Listed(IReadOnlyList<Unit> units) =>
        string.Join(", ", units.Take(8).Select(unit => $"\"{unit.Query.Root}\"")) + (units.Count > 8 ? ", ..." : "");

    // The --prefix that chooses a network: without the usual dictionary's name if that is unique, and a dot for the top
    // level.
    private static string Choice(FoundNetwork network, IReadOnlyList<FoundNetwork> all)
    {
        var usual = Usual.FirstOrDefault(name => network.Root.StartsWith(name + ".", StringComparison.Ordinal));
        var rest = usual is null ? "" : network.Root[(usual.Length + 1)..];
        return network.Root.Length == 0 ? "."
            : rest.Length > 0
            && !all.Any(other => other != network && ("." + other.Root).EndsWith("." + rest, StringComparison.Ordinal))
                ? rest
            : network.Root;
    }
}
