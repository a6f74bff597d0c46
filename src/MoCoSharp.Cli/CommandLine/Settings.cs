using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>Converts options such as --data to the settings of --set.</summary>
internal static class Settings
{
    /// <summary>The setting of a text, such as data="photos"; nothing if the option was not given.</summary>
    public static IEnumerable<string> Text(string key, string? value) =>
        value is null ? [] : [$"{key}={Quoted(value)}"];

    /// <summary>A text as a JSON string, which is also a string of C# and Python.</summary>
    public static string Quoted(string value) => JsonSerializer.Serialize(value, JsonText.Default.String);
}

[JsonSerializable(typeof(string))]
internal sealed partial class JsonText : JsonSerializerContext;
