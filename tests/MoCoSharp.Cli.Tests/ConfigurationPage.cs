using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoCoSharp.Cli.Tests;

/// <summary>Writes docs/reference/configuration.md from option records: JSON names, defaults, doc comments.</summary>
internal sealed class ConfigurationPage
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly DocComments comments = new();
    private readonly StringBuilder text = new();

    public override string ToString() => text.ToString().TrimEnd() + "\n";

    /// <summary>A paragraph or a heading.</summary>
    public void Add(string paragraph) => text.Append(paragraph).Append("\n\n");

    /// <summary>The table of a record, and then those of the records in it.</summary>
    /// <param name="options">With its defaults.</param>
    /// <param name="prefix">What comes before each key, such as "moco."; empty for the whole configuration.</param>
    /// <param name="heading">"##" and so on.</param>
    public void AddTable(object options, string prefix, string heading)
    {
        var properties = options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite && !IsIgnored(property))
            .ToList();
        text.Append("| setting | default | |\n|---|---|---|\n");
        foreach (var property in properties.Where(property => !IsGroup(property)))
        {
            var value = JsonSerializer.Serialize(property.GetValue(options), Json);
            var meaning = (comments.Of(property) + Choices(property)).Replace("|", "\\|", StringComparison.Ordinal);
            text.Append($"| `{prefix}{DocComments.JsonName(property)}` | `{value}` | {meaning} |\n");
        }

        text.Append('\n');
        foreach (var group in properties.Where(IsGroup))
        {
            AddGroup(group.GetValue(options)!, prefix + DocComments.JsonName(group), heading);
        }
    }

    /// <summary>A record below another: its heading, what it is for, and its table.</summary>
    public void AddGroup(object options, string name, string heading)
    {
        Add($"{heading} {name}");
        Add(comments.Of(options.GetType()));
        AddTable(options, name + ".", heading);
    }

    private static bool IsIgnored(PropertyInfo property) =>
        property.GetCustomAttribute<JsonIgnoreAttribute>() is { Condition: JsonIgnoreCondition.Always };

    private static bool IsGroup(PropertyInfo property) =>
        property.PropertyType is { IsClass: true, Namespace: { } space } &&
        space.StartsWith("MoCoSharp", StringComparison.Ordinal);

    // "split": what it means. "sync": ...
    private string Choices(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (!type.IsEnum)
        {
            return "";
        }

        var choices = Enum.GetValues(type).Cast<object>()
            .Select(value => (Name: JsonSerializer.Serialize(value, type, Json), Field: type.GetField($"{value}")!))
            .Select(choice => $" `{choice.Name}`: {comments.Of(choice.Field)}");
        return string.Concat(choices);
    }
}
