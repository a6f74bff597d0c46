using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoCoSharp.Cli.Reports;

/// <summary>The settings in which configurations differ.</summary>
internal static class ConfigurationDifferences
{
    private const string Missing = "-"; // of another method
    private static readonly string[] Words = ["description"]; // for people
    private static readonly JsonSerializerOptions Readable =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The settings with more than one value, in the order of the configurations.</summary>
    /// <param name="configurations">As JSON; not empty.</param>
    /// <returns>
    /// The name of each setting, such as "optimizer.learningRate", and its value in each configuration; "-" where a
    /// configuration does not have it.
    /// </returns>
    public static IReadOnlyList<(string Setting, IReadOnlyList<string> Values)> Of(IReadOnlyList<string> configurations)
    {
        List<Dictionary<string, string>> all = [.. configurations.Select(json => Flat(JsonNode.Parse(json)!, ""))];
        return
        [
            .. all.SelectMany(settings => settings.Keys).Distinct().Except(Words)
                .Select(key => (
                    key, (IReadOnlyList<string>)[.. all.Select(settings => settings.GetValueOrDefault(key, Missing))]))
                .Where(row => row.Item2.Distinct().Skip(1).Any()),
        ];
    }

    /// <summary>A row as --set takes it, for the configurations that have it.</summary>
    /// <param name="differences">The settings.</param>
    /// <param name="number">Which configuration.</param>
    public static IReadOnlyList<string> Settings(
        IReadOnlyList<(string Setting, IReadOnlyList<string> Values)> differences, int number) =>
    [
        .. differences
            .Where(row => row.Values[number] != Missing)
            .Select(row => $"{row.Setting}={row.Values[number]}"),
    ];

    private static Dictionary<string, string> Flat(JsonNode node, string prefix)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in node.AsObject())
        {
            if (value is JsonObject inner)
            {
                foreach (var (name, text) in Flat(inner, $"{prefix}{key}."))
                {
                    settings[name] = text;
                }
            }
            else
            {
                settings[prefix + key] = value switch
                {
                    null => "null",
                    JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String => (string)scalar!,
                    _ => value.ToJsonString(Readable),
                };
            }
        }

        return settings;
    }
}
