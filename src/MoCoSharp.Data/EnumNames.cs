using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MoCoSharp.Data;

/// <summary>
/// Names of enum members in configurations, from <see cref="JsonStringEnumMemberNameAttribute"/>.
/// </summary>
/// <remarks>
/// The <see cref="DescriptionAttribute"/> of a member is a note for messages that list the members.
/// </remarks>
internal static class EnumNames
{
    private static readonly ConcurrentDictionary<Type, Member[]> Known = new();

    /// <summary>The name of a value; its number if the enum has no such member.</summary>
    public static string Name<T>(this T value)
        where T : struct, Enum =>
        Members(typeof(T)).FirstOrDefault(member => member.Value.Equals(value))?.Name ?? $"{value:D}";

    /// <summary>The names of all members, in declaration order.</summary>
    public static IReadOnlyList<string> All<T>()
        where T : struct, Enum => [.. Members(typeof(T)).Select(member => member.Name)];

    /// <summary>The member with a name; null if there is none. Names are case-sensitive.</summary>
    public static T? Find<T>(string? name)
        where T : struct, Enum => (T?)Members(typeof(T)).FirstOrDefault(member => member.Name == name)?.Value;

    /// <summary>All names with their notes, as a phrase: "epoch (as official) or step".</summary>
    public static string Expected(Type type)
    {
        var words = Members(type)
            .Select(member => member.Note is null ? member.Name : $"{member.Name} ({member.Note})")
            .ToList();
        return words.Count < 2 ? string.Concat(words) : $"{string.Join(", ", words[..^1])} or {words[^1]}";
    }

    /// <summary>The fault of an option whose value is not a member of its enum; null if it is one.</summary>
    /// <param name="option">Name of the option in a configuration.</param>
    /// <param name="value">The value.</param>
    public static string? Fault<T>(string option, T value)
        where T : struct, Enum =>
        Enum.IsDefined(value) ? null : $"{option} is \"{value.Name()}\", expected {Expected(typeof(T))}.";

    private static Member[] Members(Type type) => Known.GetOrAdd(type, static type =>
    [
        .. type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => new Member(
            field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? field.Name,
            field.GetCustomAttribute<DescriptionAttribute>()?.Description,
            field.GetValue(null)!)),
    ]);

    private sealed record Member(string Name, string? Note, object Value);
}

/// <summary>Reads and writes an enum by the exact names of its members; numbers and other cases are refused.</summary>
internal sealed class EnumNameConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        (reader.TokenType == JsonTokenType.String ? EnumNames.Find<T>(reader.GetString()) : null)
            ?? throw new JsonException(); // the serializer adds the path; the reader of configurations adds the names

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.Name());
    }
}
