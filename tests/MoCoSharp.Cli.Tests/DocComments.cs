using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml.Linq;

namespace MoCoSharp.Cli.Tests;

/// <summary>The doc comments of the assemblies, from the XML files beside them.</summary>
internal sealed class DocComments
{
    private readonly Dictionary<string, XElement> members = Directory.GetFiles(AppContext.BaseDirectory, "*.xml")
        .Select(file => XDocument.Load(file))
        .Where(document => document.Root!.Name == "doc")
        .SelectMany(document => document.Descendants("member"))
        .DistinctBy(member => member.Attribute("name")!.Value)
        .ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Summary and value of a property, on one line.</summary>
    public string Of(PropertyInfo property) => Of($"P:{property.DeclaringType!.FullName}.{property.Name}");

    /// <summary>Summary of a value of an enum, on one line.</summary>
    public string Of(FieldInfo value) => Of($"F:{value.DeclaringType!.FullName}.{value.Name}");

    /// <summary>The name of a setting in JSON.</summary>
    public static string JsonName(PropertyInfo property) =>
        property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ??
        JsonNamingPolicy.CamelCase.ConvertName(property.Name);

    /// <summary>Summary of a type, on one line.</summary>
    public string Of(Type type) => Of($"T:{type.FullName}");

    private string Of(string name)
    {
        var member = members.GetValueOrDefault(name)
            ?? throw new InvalidOperationException($"{name} has no doc comment.");
        var parts = member.Elements().Where(element => element.Name.LocalName is "summary" or "value");
        return string.Join(' ', parts.Select(Text));
    }

    // Markdown: code as it is, references by the last part of their name, links as links.
    private static string Text(XElement element)
    {
        var parts = element.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement { Name.LocalName: "see" or "paramref" } see => Reference(see),
            XElement other => Text(other),
            _ => node.ToString(),
        });
        var text = WebUtility.HtmlDecode(string.Concat(parts));
        return string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static string Reference(XElement see)
    {
        var target = see.Attributes().First().Value; // cref, href, langword or name
        var name = target.Split(['.', ':'])[^1];
        return (see.Attribute("href"), target[..2]) switch
        {
            (not null, _) => $"<{target}>",
            (_, "P:") when TypeOf(target).GetProperty(name) is { } property => $"`{JsonName(property)}`", // a setting
            (_, "F:") when TypeOf(target).GetField(name) is { } value => // a value of one
                $"\"{value.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name ?? name}\"",
            _ => $"`{name}`",
        };
    }

    // "P:MoCoSharp.Runs.RunConfig.Epochs" is of MoCoSharp.Runs.RunConfig.
    private static Type TypeOf(string member) => AppDomain.CurrentDomain.GetAssemblies()
        .Select(assembly => assembly.GetType(member[2..member.LastIndexOf('.')]))
        .First(type => type is not null)!;
}
