using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using MoCoSharp.Data;
using MoCoSharp.Methods;

namespace MoCoSharp.Runs;

/// <summary>A fault of a configuration's JSON.</summary>
/// <param name="Message">What is wrong, where, and what is expected.</param>
/// <param name="Key">The key whose value has the wrong type; null for other faults.</param>
internal readonly record struct ConfigFault(string Message, string? Key);

/// <summary>Finds unknown keys and values of the wrong kind in a configuration's JSON.</summary>
internal static class ConfigSchema
{
    /// <summary>
    /// Compares values with the defaults. An unknown key or a value of another kind is a fault; the check continues.
    /// </summary>
    /// <param name="given">The values to check.</param>
    /// <param name="schema">All keys with their defaults.</param>
    /// <param name="type">The JSON contract of the schema.</param>
    /// <param name="prefix">The keys above these, each with a point after it; empty at the top.</param>
    /// <param name="source">Prefix of each fault.</param>
    /// <param name="faults">Receives the faults.</param>
    public static void Check(
        JsonObject given, JsonObject schema, JsonTypeInfo type, string prefix, string source, List<ConfigFault> faults)
    {
        foreach (var (key, value) in given)
        {
            var path = prefix + key;
            if (!schema.TryGetPropertyValue(key, out var known))
            {
                faults.Add(new ConfigFault($"{source}: unknown key {path}.{Suggestion(key, schema, prefix)}", path));
            }
            else if (known is JsonObject inner)
            {
                if (value is JsonObject innerGiven)
                {
                    Check(innerGiven, inner, type, path + ".", source, faults);
                }
                // "moco": null makes room for another method
                else if (value is not null || !PretrainMethods.Names.Contains(path))
                {
                    faults.Add(
                        new ConfigFault($"{source}: {path} is {Show(value)}, expected an object, {{ ... }}.", path));
                }
            }
            else if (known is not null && Kind(known) != Kind(value))
            {
                var such =
                    TypeOf(type, path) is { IsEnum: false }
                    && known.GetValueKind() is JsonValueKind.Number or JsonValueKind.String
                    ? $" such as {Show(known)}"
                    : "";
                faults.Add(
                    new ConfigFault(
                        $"{source}: {path} is {Show(value)}, expected {Expected(type, path, value)}{such}.", path));
            }
        }
    }

    /// <summary>Describes the expected value of a key.</summary>
    public static string Expected(JsonTypeInfo root, string key, JsonNode? value)
    {
        var type = TypeOf(root, key);
        var isLarge =
            double.TryParse(value?.ToString(), CultureInfo.InvariantCulture, out var number)
            && Math.Abs(number) > int.MaxValue;
        return type == typeof(int) || type == typeof(long) ? $"a whole number{(isLarge ? ", and not as large" : "")}"
            : type == typeof(double) ? "a number"
            : type == typeof(bool) ? "true or false"
            : type == typeof(string) ? "a text"
            : type is { IsEnum: true } ? EnumNames.Expected(type)
            : type == typeof(int[]) ? "a list of whole numbers such as [120, 160]"
            : type is { IsArray: true } ? "a list of numbers such as [0.5, 0.5, 0.5]"
            : "another value";
    }

    /// <summary>The type of a key such as moco.temperature; null if there is no such key.</summary>
    public static Type? TypeOf(JsonTypeInfo root, string key)
    {
        var found = root;
        foreach (var part in key.Split('.'))
        {
            if (found.Properties.FirstOrDefault(item => item.Name == part) is not { } property)
            {
                return null;
            }

            found = found.Options.GetTypeInfo(property.PropertyType);
        }

        return Nullable.GetUnderlyingType(found.Type) ?? found.Type;
    }

    private static string Suggestion(string key, JsonObject schema, string prefix)
    {
        if (key.Contains("accumul", StringComparison.OrdinalIgnoreCase))
        {
            return " Gradients are not accumulated over parts of a batch: simClr and endToEnd take their negatives " +
                "from the batch, so that parts of it would be another loss"
                + " (simClr.gradientCache=true gives a large batch the memory of one BN group); the others need no " +
                    "large batch: lower batchSize, and learningRate alike.";
        }

        return NearestWord.Find(key, schema.Select(item => item.Key)) is { } nearest
            ? $" Did you mean {prefix}{nearest}?"
            : $" Known there: {string.Join(", ", schema.Select(item => item.Key))}.";
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

    /// <summary>A value in a message, shortened to 60 characters.</summary>
    public static string Show(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
