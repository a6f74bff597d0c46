using System.Text.Json.Nodes;

namespace MoCoSharp.Data;

/// <summary>Values of JSON files that may be damaged.</summary>
/// <remarks>
/// A missing value must not become a NullReferenceException, though it could be caught: with AMX, .NET 10 can end the
/// process instead (docs/decisions/033-no-null-references.md).
/// </remarks>
internal static class RequiredJson
{
    /// <summary>A value of an object.</summary>
    /// <param name="json">The object.</param>
    /// <param name="name">The name of the value.</param>
    /// <exception cref="InvalidOperationException">It is missing, or null.</exception>
    public static JsonNode Required(this JsonObject json, string name) =>
        json[name] ?? throw new InvalidOperationException($"\"{name}\" is missing");

    /// <summary>An item of a list, or a whole text.</summary>
    /// <param name="node">The item.</param>
    /// <exception cref="InvalidOperationException">It is null.</exception>
    public static JsonNode Required(this JsonNode? node) =>
        node ?? throw new InvalidOperationException("null stands where a value is expected");
}
