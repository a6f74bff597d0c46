using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MoCoSharp.Data;
using MoCoSharp.Methods;

namespace MoCoSharp.Runs;

/// <summary>A configuration is invalid; the message lists all faults with their fixes.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> faults)
    : Exception(string.Join(Environment.NewLine, faults))
{
    /// <summary>One sentence per fault.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>
/// Reads and writes <see cref="RunConfig"/> as JSON: defaults, then the recipe, then single settings.
/// </summary>
internal static class RunConfigFile
{
    private const int MostMisfits = 100; // invalid values that are reported at most

    private static readonly JsonDocumentOptions Lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = 16,
        AllowDuplicateProperties = false,
    };

    /// <summary>The configuration as indented JSON, with all defaults.</summary>
    public static string Write(RunConfig config) => JsonSerializer.Serialize(config, MethodSections.RunConfig) + "\n";

    /// <summary>Reads a recipe and applies settings over it.</summary>
    /// <param name="path">The file; its name starts each fault.</param>
    /// <param name="settings">Settings such as "moco.temperature=0.1"; later ones win.</param>
    /// <exception cref="ConfigurationException">The file or a setting is invalid; all faults are listed.</exception>
    public static RunConfig Load(string path, IEnumerable<string>? settings = null)
    {
        var text = ReadText(path);

        // Without this check, every key would be reported as unknown.
        return Path.GetFileName(path) == "config.json" && text.Contains("\n  \"detector\": {", StringComparison.Ordinal)
            ? throw new ConfigurationException([
                $"{path}: is the configuration of a detection run, not of pre-training. `moco detect --resume --run " +
                $"{Data.Shell.Quote(Path.GetDirectoryName(path)!)}` continues and evaluates it.",
            ])
            : Parse(text, path, settings ?? []);
    }

    /// <summary>Parses a recipe and applies settings over it.</summary>
    /// <param name="json">The recipe.</param>
    /// <param name="source">Prefix of each fault.</param>
    /// <param name="settings">Settings over it.</param>
    /// <exception cref="ConfigurationException">The recipe or a setting is invalid; all faults are listed.</exception>
    public static RunConfig Parse(string json, string source, IEnumerable<string> settings)
    {
        IReadOnlyList<string> methods = [];
        return Parse(
            json, source, settings, Everything(), MethodSections.RunConfig,
            config => [.. MethodSections.Faults(methods), .. config.Validate()],
            recipe => WithDefaults(recipe, out methods));
    }

    /// <summary>Reads the text of a configuration file.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read.</exception>
    internal static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: cannot be read: {error.Message}"]);
        }
    }

    /// <summary>
    /// All keys of a configuration with their defaults, including the sections of all methods. Recipes are checked
    /// against it.
    /// </summary>
    private static JsonObject Everything()
    {
        var all = JsonSerializer.SerializeToNode(new RunConfig(), MethodSections.RunConfig)!.AsObject();
        MethodSections.AddAll(all);
        return all;
    }

    /// <summary>Parses options of any kind.</summary>
    /// <param name="json">The values that differ from the defaults.</param>
    /// <param name="source">Prefix of each fault.</param>
    /// <param name="settings">Settings over it.</param>
    /// <param name="everything">All keys with their defaults.</param>
    /// <param name="type">The JSON contract.</param>
    /// <param name="faultsOf">Finds invalid values.</param>
    internal static T Parse<T>(
        string json, string source, IEnumerable<string> settings, T everything, JsonTypeInfo<T> type,
        Func<T, IEnumerable<string>> faultsOf)
        where T : class =>
        Parse(
            json, source, settings,
            JsonSerializer.SerializeToNode(everything, type)!.AsObject(),
            type,
            faultsOf,
            null);

    // Without withDefaults, a missing key gets its value from the schema.
    private static T Parse<T>(
        string json, string source, IEnumerable<string> settings, JsonObject schema, JsonTypeInfo<T> type,
        Func<T, IEnumerable<string>> faultsOf, Func<JsonObject, JsonObject>? withDefaults)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(settings);
        var faults = new List<ConfigFault>();
        var recipe = ParseObject(json, source, faults);
        ConfigSchema.Check(recipe, schema, type, "", source, faults);
        var given = new Dictionary<string, string>(StringComparer.Ordinal); // the setting that gave a key its value
        foreach (var setting in settings)
        {
            Apply(setting, recipe, schema, type, faults, given);
        }

        // Replace unreadable values by defaults, so that faults of other values are also reported.
        foreach (var fault in faults.Where(fault => fault.Key is not null))
        {
            Remove(recipe, fault.Key!);
        }

        var config = Read((withDefaults ?? WithEverything)(recipe), type, Origin, faults);
        if (config is not null)
        {
            var unread = faults.Select(fault => fault.Key).OfType<string>().ToList();
            faults.AddRange(faultsOf(config)
                // Skip faults of the defaults that replace unreadable values.
                .Where(fault => !unread.Any(key => fault.Contains(key, StringComparison.OrdinalIgnoreCase)))
                .Select(fault => new ConfigFault($"{Origin(fault)}: {fault}", null)));
        }

        return faults.Count == 0
            ? config!
            : throw new ConfigurationException([.. faults.Select(fault => fault.Message)]);

        // The generated reader gives a missing key the default of its type, not of the record.
        JsonObject WithEverything(JsonObject given)
        {
            var all = (JsonObject)schema.DeepClone();
            Merge(given, all);
            return all;
        }

        string Origin(string fault) =>
            given.TryGetValue(fault[..Math.Max(0, fault.IndexOf(' '))], out var setting) ? $"--set {setting}" : source;
    }

    // Values of the right kind may still not fit, such as 1.5 epochs. Each is reported and replaced by the default.
    private static T? Read<T>(
        JsonObject recipe, JsonTypeInfo<T> type, Func<string, string> origin, List<ConfigFault> faults)
        where T : class
    {
        for (var i = 0; i < MostMisfits; i++)
        {
            try
            {
                return recipe.Deserialize(type);
            }
            catch (JsonException error) when (error.Path is { Length: > 2 } path)
            {
                var key = path[2..].Split('[')[0]; // $.optimizer.milestones[1]
                var value = Find(recipe, key);
                faults.Add(
                    new ConfigFault(
                        $"{origin(key + " ")}: {key} is {ConfigSchema.Show(value)}, expected " +
                        $"{ConfigSchema.Expected(type, key, value)}.",
                        key));
                if (!Remove(recipe, key))
                {
                    return null;
                }
            }
            catch (JsonException)
            {
                faults.Add(new ConfigFault($"{origin("")}: cannot be read as a configuration.", null));
                return null;
            }
        }

        return null;
    }

    private static JsonNode? Find(JsonObject root, string key) =>
        key.Split('.').Aggregate((JsonNode?)root, (node, part) => (node as JsonObject)?[part]);

    private static bool Remove(JsonObject root, string key)
    {
        var dot = key.LastIndexOf('.');
        return (dot < 0 ? root : Find(root, key[..dot])) is JsonObject parent && parent.Remove(key[(dot + 1)..]);
    }

    /// <summary>
    /// A recipe with all defaults filled in. It has the sections of the methods that it names, or MoCo's if it names
    /// none.
    /// </summary>
    internal static JsonObject WithDefaults(JsonObject recipe) => WithDefaults(recipe, out _);

    private static JsonObject WithDefaults(JsonObject recipe, out IReadOnlyList<string> methods)
    {
        var all = Everything();
        List<string> named = [.. PretrainMethods.Names.Where(recipe.ContainsKey)];
        foreach (var absent in PretrainMethods.Names.Except(named.Count == 0 ? ["moco"] : named))
        {
            all.Remove(absent);
        }

        Merge(recipe, all);
        methods = [.. PretrainMethods.Names.Where(name => all[name] is not null)];
        return all;
    }

    private static JsonObject ParseObject(string json, string source, List<ConfigFault> faults)
    {
        try
        {
            if (JsonNode.Parse(json, documentOptions: Lenient) is JsonObject parsed)
            {
                return parsed;
            }

            faults.Add(new ConfigFault($"{source}: expected a JSON object, {{ ... }}.", null));
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            faults.Add(new ConfigFault($"{source}: is not valid JSON: {error.Message}", null));
        }

        return [];
    }

    private static void Apply(
        string setting, JsonObject recipe, JsonObject schema, JsonTypeInfo type, List<ConfigFault> faults,
        Dictionary<string, string> given)
    {
        var equals = setting.IndexOf('=');
        if (equals <= 0 || setting[..equals].Count(letter => letter == '.') > Lenient.MaxDepth)
        {
            faults.Add(
                new ConfigFault(
                    $"--set {setting}: expected key=value, such as moco.temperature=0.1. All words after --set " +
                    "are settings: put a recipe before it.",
                    null));
            return;
        }

        var key = setting[..equals].Trim();
        var path = key.Split('.');
        var root = new JsonObject();
        var node = root;
        foreach (var part in path[..^1])
        {
            node[part] = new JsonObject();
            node = node[part]!.AsObject();
        }

        node[path[^1]] = Value(setting[(equals + 1)..], ConfigSchema.TypeOf(type, key));
        var before = faults.Count;
        ConfigSchema.Check(root, schema, type, "", $"--set {setting}", faults);
        if (faults.Count == before)
        {
            Merge(root, recipe);
            given[key] = setting;
        }
    }

    private static void Merge(JsonObject from, JsonObject into)
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

    // "0.1", "true" and "[1, 2]" are JSON; anything else is text. The type of the key decides: a folder may be called
    // 2024, and a number may be written .5 or 4e3.
    private static JsonNode? Value(string text, Type? type)
    {
        if ((type == typeof(string) || type is { IsEnum: true }) && text != "null")
        {
            return text is ['"', .., '"'] ? Json(text) : JsonValue.Create(text);
        }

        if (type == typeof(bool) && bool.TryParse(text, out var isSo)) // True, as Python writes it
        {
            return JsonValue.Create(isSo);
        }

        var isNumber =
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number);
        return (type == typeof(int) || type == typeof(long))
            && isNumber
            && number == Math.Floor(number)
            && Math.Abs(number) < int.MaxValue
                ? JsonValue.Create((long)number)
            : type == typeof(double) && isNumber ? JsonValue.Create(number)
            : Json(text);
    }

    private static JsonNode? Json(string text)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient);
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return JsonValue.Create(text);
        }
    }
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(RunConfig))]
internal sealed partial class RunConfigJson : JsonSerializerContext;
