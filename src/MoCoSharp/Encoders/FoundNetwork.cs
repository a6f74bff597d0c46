using System.Text.RegularExpressions;

namespace MoCoSharp.Encoders;

/// <summary>The naming scheme of a ResNet in a file.</summary>
internal enum NetworkSpelling
{
    /// <summary>torchvision's names, which MoCoSharp also uses.</summary>
    Plain,

    /// <summary>A ResNet as a Sequential with numbered parts.</summary>
    Numbered,

    /// <summary>detectron2: "stem.conv1.weight", "res2.0.conv1.weight".</summary>
    Detectron2,

    /// <summary>Hugging Face transformers: "embedder.embedder.convolution.weight".</summary>
    Transformers,
}

/// <summary>A ResNet in a file.</summary>
/// <param name="Root">The prefix of its names: "teacher.backbone."</param>
/// <param name="Spelling">The naming scheme.</param>
/// <param name="Names">Maps the file's names of its tensors to torchvision's names ("conv1.weight").</param>
internal sealed partial record FoundNetwork(
    string Root,
    NetworkSpelling Spelling,
    IReadOnlyDictionary<string, string> Names)
{
    private const string First = "conv1.weight";
    private const string DetectronFirst = "stem.conv1.weight";
    private const string TransformersFirst = "embedder.embedder.convolution.weight";

    private const int MostNetworks = 64;
    private const RegexOptions Safe =
        // NonBacktracking, because the names are untrusted input.
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking;

    // Tensors that some tools add to every layer and that no computation uses.
    private static readonly string[] Leftovers =
    [
        "total_ops", "total_params", "_tmp_running_mean", "_tmp_running_var", "_running_iter", "n_averaged",
    ];

    /// <summary>Finds all ResNets of a file, in file order.</summary>
    /// <param name="shapes">Every tensor's shape, by name, in the file's order.</param>
    public static IReadOnlyList<FoundNetwork> All(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes)
    {
        var roots = new OrderedDictionary<string, NetworkSpelling>(StringComparer.Ordinal);
        // Velocities in checkpoints of MoCoSharp are not networks.
        foreach (var name in shapes.Keys.Where(name => !name.Contains("optimizer.velocity.", StringComparison.Ordinal)))
        {
            if (
                IsEnding(name, DetectronFirst)
                && shapes.ContainsKey($"{Before(name, DetectronFirst)}res2.0.conv1.weight"))
            {
                roots.TryAdd(Before(name, DetectronFirst), NetworkSpelling.Detectron2);
            }
            else if (IsEnding(name, First) && shapes.ContainsKey($"{Before(name, First)}layer1.0.conv1.weight"))
            {
                roots.TryAdd(Before(name, First), NetworkSpelling.Plain);
            }
            else if (IsEnding(name, TransformersFirst))
            {
                roots.TryAdd(Before(name, TransformersFirst), NetworkSpelling.Transformers);
            }
            else if (NumberedBlock().Match(name) is { Success: true } match
                && shapes.TryGetValue(match.Groups["root"].Value + "0.weight", out var first) && first.Count == 4)
            {
                roots.TryAdd(match.Groups["root"].Value, NetworkSpelling.Numbered);
            }
        }

        if (roots.Count > MostNetworks)
        {
            throw new InvalidDataException($"it holds {roots.Count} networks, expected at most {MostNetworks}.");
        }

        return [.. roots.Select(item => new FoundNetwork(item.Key, item.Value, NamesOf(shapes, item.Key, item.Value)))];
    }

    /// <summary>Names that look like a first layer but are not part of a ResNet, for messages.</summary>
    public static IEnumerable<string> FirstLayers(IReadOnlyDictionary<string, IReadOnlyList<long>> shapes) =>
        shapes.Keys.Where(name =>
            IsEnding(name, First)
            && !name.Split('.').SkipLast(2).Any(part => part.All(char.IsAsciiDigit) || LayerName().IsMatch(part)));

    private static Dictionary<string, string> NamesOf(
        IReadOnlyDictionary<string, IReadOnlyList<long>> shapes,
        string root,
        NetworkSpelling spelling)
    {
        var under = shapes.Keys.Where(name => name.StartsWith(root, StringComparison.Ordinal)
            && !Leftovers.Any(leftover => name.EndsWith(leftover, StringComparison.Ordinal))).ToList();
        var parts = spelling == NetworkSpelling.Numbered ? Parts(shapes, under, root) : [];
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in under)
        {
            var rest = name[root.Length..];
            var ours = spelling switch
            {
                NetworkSpelling.Plain => Plain(rest),
                NetworkSpelling.Numbered => Numbered(rest, parts),
                NetworkSpelling.Detectron2 => Detectron2(rest),
                _ => Transformers(rest),
            };
            if (ours is not null)
            {
                // A name in two spellings is reported as an unexpected tensor.
                names.Add(name, taken.Add(ours) ? ours : name);
            }
        }

        return names;
    }

    // Null for tensors beside a ResNet: projection_head, prototypes, classifiers. Tensors inside a ResNet belong to it,
    // known or not.
    private static string? Plain(string rest) => OwnPart().IsMatch(rest)
        ? (rest.StartsWith("linear.", StringComparison.Ordinal) ? "fc." + rest["linear.".Length..] : rest)
            .Replace(".shortcut.", ".downsample.", StringComparison.Ordinal)
        : null;

    // Each part of a Sequential is recognized by its tensors.
    private static Dictionary<string, string> Parts(
        IReadOnlyDictionary<string, IReadOnlyList<long>> shapes,
        List<string> under,
        string root)
    {
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        var stage = 1;
        foreach (var name in under)
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

        return parts;
    }

    private static string? Numbered(string rest, Dictionary<string, string> parts) =>
        rest.Split('.', 2) is not [var number, var inner] || !number.All(char.IsAsciiDigit) ? null
        : parts.TryGetValue(number, out var part) ? Plain($"{part}.{inner}")
        : rest;

    // "res2.0.conv2.norm.weight" is "layer1.0.bn2.weight" here.
    private static string? Detectron2(string rest)
    {
        if (rest.StartsWith("stem.", StringComparison.Ordinal))
        {
            rest = rest["stem.".Length..];
        }
        else if (
            rest.Length > 4
            && rest.StartsWith("res", StringComparison.Ordinal)
            && rest[3] is >= '2' and <= '5'
            && rest[4] == '.')
        {
            rest = $"layer{rest[3] - '1'}{rest[4..]}";
        }
        else
        {
            return null;
        }

        return DetectronNorm().Replace(rest, "bn${number}.")
            .Replace("shortcut.norm.", "downsample.1.", StringComparison.Ordinal)
            .Replace("shortcut.", "downsample.0.", StringComparison.Ordinal);
    }

    private static string? Transformers(string rest)
    {
        if (rest.StartsWith("embedder.embedder.", StringComparison.Ordinal))
        {
            return rest["embedder.embedder.".Length..]
                .Replace("convolution.", "conv1.", StringComparison.Ordinal)
                .Replace("normalization.", "bn1.", StringComparison.Ordinal);
        }

        if (TransformersLayer().Match(rest) is not { Success: true } match)
        {
            return null;
        }

        var stage = match.Groups["stage"].ValueSpan[0] - '0' + 1; // one digit, from 0
        var block = $"layer{stage}.{match.Groups["block"].Value}.";
        var isNorm = match.Groups["kind"].Value == "normalization";
        var part = match.Groups["layer"] is { Success: true, ValueSpan: [var digit] }
            ? $"{(isNorm ? "bn" : "conv")}{digit - '0' + 1}"
            : $"downsample.{(isNorm ? 1 : 0)}";
        return $"{block}{part}.{match.Groups["rest"].Value}";
    }

    private static bool IsEnding(string name, string ending) =>
        name.EndsWith(ending, StringComparison.Ordinal)
        && (name.Length == ending.Length || name[^(ending.Length + 1)] == '.');

    private static string Before(string name, string ending) => name[..^ending.Length];

    [GeneratedRegex(@"^(?<root>(?:.*\.)?)\d{1,3}\.0\.conv1\.weight$", Safe)]
    private static partial Regex NumberedBlock();

    [GeneratedRegex(@"^(?:(?:conv|bn|norm|layer)\d+|fc|linear)\.", Safe)]
    private static partial Regex OwnPart();

    [GeneratedRegex(@"^(?:layer|res)\d", Safe)]
    private static partial Regex LayerName();

    [GeneratedRegex(@"conv(?<number>\d)\.norm\.", Safe)]
    private static partial Regex DetectronNorm();

    [GeneratedRegex(
        @"^encoder\.stages\.(?<stage>[0-9])\.layers\.(?<block>\d{1,3})\.(?:layer\.(?<layer>\d)|shortcut)\." +
        @"(?<kind>convolution|normalization)\.(?<rest>.+)$",
        Safe)]
    private static partial Regex TransformersLayer();
}
