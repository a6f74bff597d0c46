using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MoCoSharp.Training;

/// <summary>A configuration cannot be used; the message lists every fault with its cure.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    /// <summary>One sentence a fault.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>Reads and writes <see cref="RunConfig"/> as JSON: defaults, then the recipe, then single settings.</summary>
public static class RunConfigFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 16, AllowDuplicateProperties = false };

    // Every key that there is, with its default: the shape that recipes are compared with.
    private static readonly RunConfig Everything = new() { SimClr = new(), EndToEnd = new(), MemoryBank = new(), Supervised = new() };

    /// <summary>The keys of which a configuration has exactly one.</summary>
    public static IReadOnlyList<string> MethodNames { get; } = ["moco", "simClr", "endToEnd", "memoryBank", "supervised"];

    /// <summary>The configuration as indented JSON, every default spelled out.</summary>
    public static string Write(RunConfig config) => JsonSerializer.Serialize(config, RunConfigJson.Default.RunConfig) + "\n";

    /// <summary>Reads a recipe and puts single settings over it.</summary>
    /// <param name="path">The file; its name begins each fault.</param>
    /// <param name="settings">"moco.temperature=0.1" and the like, the later the stronger.</param>
    /// <exception cref="ConfigurationException">The file or a setting is wrong; all faults are listed.</exception>
    public static RunConfig Load(string path, IEnumerable<string>? settings = null)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: cannot be read: {error.Message}"]);
        }

        // Else every key of it would be told to be unknown.
        return Path.GetFileName(path) == "config.json" && text.Contains("\n  \"detector\": {", StringComparison.Ordinal)
            ? throw new ConfigurationException([$"{path}: is of a detection, not of a pre-training. `moco detect --resume --run {Path.GetDirectoryName(path)}` goes on with it, and judges it."])
            : Parse(text, path, settings ?? []);
    }

    /// <summary>The same, from text.</summary>
    /// <param name="json">The recipe.</param>
    /// <param name="source">What begins each fault.</param>
    /// <param name="settings">Settings over it.</param>
    /// <exception cref="ConfigurationException">All faults are listed.</exception>
    public static RunConfig Parse(string json, string source, IEnumerable<string> settings) =>
        Parse(json, source, settings, Everything, WithDefaults, RunConfigJson.Default.RunConfig, config => config.Faults());

    /// <summary>The same, for options of any kind.</summary>
    /// <param name="json">What departs from the defaults.</param>
    /// <param name="source">What begins each fault.</param>
    /// <param name="settings">Settings over it.</param>
    /// <param name="everything">Every key that there is, with its default.</param>
    /// <param name="withDefaults">Spells out the defaults of what is absent: a generated reader gives absent keys the type's default, not the record's.</param>
    /// <param name="type">How it is read.</param>
    /// <param name="faultsOf">What is wrong with values.</param>
    internal static T Parse<T>(
        string json, string source, IEnumerable<string> settings, T everything, Func<JsonObject, JsonObject> withDefaults, JsonTypeInfo<T> type, Func<T, IEnumerable<string>> faultsOf)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(settings);
        var faults = new List<string>();
        var recipe = ParseObject(json, source, faults);
        var schema = JsonSerializer.SerializeToNode(everything, type)!.AsObject();
        Check(recipe, schema, "", source, faults);
        foreach (var setting in settings)
        {
            Apply(setting, recipe, schema, faults);
        }

        T? config = null;
        if (faults.Count == 0)
        {
            try
            {
                config = withDefaults(recipe).Deserialize(type);
            }
            catch (JsonException error)
            {
                faults.Add($"{source}: {error.Path?.TrimStart('$', '.')} has a value of another kind than expected.");
            }
        }

        faults.AddRange((config is null ? [] : faultsOf(config)).Select(fault => $"{source}: {fault}"));
        return faults.Count == 0 ? config! : throw new ConfigurationException(faults);
    }

    /// <summary>A recipe with every default spelled out, of the methods that it names; of MoCo's where it names none.</summary>
    internal static JsonObject WithDefaults(JsonObject recipe)
    {
        var all = JsonSerializer.SerializeToNode(Everything, RunConfigJson.Default.RunConfig)!.AsObject();
        var named = MethodNames.Where(recipe.ContainsKey).ToList();
        foreach (var absent in MethodNames.Except(named.Count == 0 ? ["moco"] : named))
        {
            all.Remove(absent);
        }

        Merge(recipe, all);
        return all;
    }

    private static JsonObject ParseObject(string json, string source, List<string> faults)
    {
        try
        {
            if (JsonNode.Parse(json, documentOptions: Lenient) is JsonObject parsed)
            {
                return parsed;
            }

            faults.Add($"{source}: expected a JSON object, {{ ... }}.");
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            faults.Add($"{source}: is not valid JSON: {error.Message}");
        }

        return [];
    }

    // Compares with the defaults: an unknown key or a value of another kind is a fault, and the walk goes on.
    private static void Check(JsonObject given, JsonObject schema, string prefix, string source, List<string> faults)
    {
        foreach (var (key, value) in given)
        {
            var path = prefix + key;
            if (!schema.TryGetPropertyValue(key, out var known))
            {
                faults.Add($"{source}: unknown key {path}.{Suggestion(key, schema, prefix)}");
            }
            else if (known is JsonObject inner)
            {
                if (value is JsonObject innerGiven)
                {
                    Check(innerGiven, inner, path + ".", source, faults);
                }
                else if (value is not null || !MethodNames.Contains(path)) // "moco": null makes room for another method
                {
                    faults.Add($"{source}: {path} is {Show(value)}, expected an object, {{ ... }}.");
                }
            }
            else if (known is not null && Kind(known) != Kind(value))
            {
                faults.Add($"{source}: {path} is {Show(value)}, expected a {Kind(known)} such as {Show(known)}.");
            }
        }
    }

    private static void Apply(string setting, JsonObject recipe, JsonObject schema, List<string> faults)
    {
        var equals = setting.IndexOf('=');
        if (equals <= 0)
        {
            faults.Add($"--set {setting}: expected key=value, such as moco.temperature=0.1.");
            return;
        }

        var path = setting[..equals].Split('.');
        var root = new JsonObject();
        var node = root;
        foreach (var part in path[..^1])
        {
            node[part] = new JsonObject();
            node = node[part]!.AsObject();
        }

        node[path[^1]] = Value(setting[(equals + 1)..]);
        var before = faults.Count;
        Check(root, schema, "", $"--set {setting}", faults);
        if (faults.Count == before)
        {
            Merge(root, recipe);
        }
    }

    internal static void Merge(JsonObject from, JsonObject into)
    {
        foreach (var (key, value) in from)
        {
            if (value is JsonObject inner && into[key] is JsonObject target)
            {
                Merge(inner, target);
            }
            else
            {
                into[key] = value?.DeepClone();
            }
        }
    }

    // "0.1", "true" and "[1, 2]" are JSON; anything else is text.
    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }

    private static string Suggestion(string key, JsonObject schema, string prefix)
    {
        if (key.Contains("accumul", StringComparison.OrdinalIgnoreCase))
        {
            return " Gradients are not accumulated over parts of a batch: simClr and endToEnd take their negatives from the batch, so that parts of it would be another loss" +
                " (simClr.gradientCache=true gives a large batch the memory of one BN group); the others need no large batch: lower batchSize, and learningRate alike.";
        }

        var nearest = schema.Select(item => item.Key).MinBy(known => Distance(key.ToUpperInvariant(), known.ToUpperInvariant()))!;
        return Distance(key.ToUpperInvariant(), nearest.ToUpperInvariant()) <= 3
            ? $" Did you mean {prefix}{nearest}?"
            : $" Known there: {string.Join(", ", schema.Select(item => item.Key))}.";
    }

    // Levenshtein's.
    private static int Distance(string first, string second)
    {
        if (first.Length > 64)
        {
            return int.MaxValue;
        }

        var row = Enumerable.Range(0, second.Length + 1).ToArray();
        for (var i = 1; i <= first.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= second.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (first[i - 1] == second[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }

    private static string Kind(JsonNode? node) => node?.GetValueKind() switch
    {
        JsonValueKind.Number => "number",
        JsonValueKind.String => "text",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        JsonValueKind.Array => "list",
        JsonValueKind.Object => "object",
        _ => "null",
    };

    private static string Show(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(RunConfig))]
internal sealed partial class RunConfigJson : JsonSerializerContext;
