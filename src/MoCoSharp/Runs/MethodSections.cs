using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using MoCoSharp.Methods;

namespace MoCoSharp.Runs;

/// <summary>
/// The sections "moco", "simClr", ... of a configuration: one per method of <see cref="PretrainMethods.All"/>.
/// </summary>
internal static class MethodSections
{
    private const string Next = "optimizer"; // the key after the methods

    private static readonly JsonSerializerOptions Options = new(RunConfigJson.Default.Options)
    {
        // The configuration uses generated code. Method options use reflection, so that no list of their types is
        // needed.
        TypeInfoResolver = JsonTypeInfoResolver.Combine(RunConfigJson.Default, new DefaultJsonTypeInfoResolver())
            .WithAddedModifier(AddProperties),
    };

    /// <summary>The JSON contract of a configuration with the section of its method.</summary>
    public static JsonTypeInfo<RunConfig> RunConfig { get; } =
        (JsonTypeInfo<RunConfig>)Options.GetTypeInfo(typeof(RunConfig));

    /// <summary>
    /// Adds the section of each method that is missing, with its defaults, in the order of the methods.
    /// </summary>
    public static void AddAll(JsonObject config)
    {
        var at = config.IndexOf(Next);
        foreach (var method in PretrainMethods.All)
        {
            if (config.ContainsKey(method.Name))
            {
                continue;
            }

            config.Insert(
                at++,
                method.Name,
                JsonSerializer.SerializeToNode(method, Options.GetTypeInfo(method.GetType())));
        }
    }

    /// <summary>What is wrong if a configuration does not name exactly one method.</summary>
    /// <param name="named">The names of its methods.</param>
    public static IEnumerable<string> Faults(IReadOnlyList<string> named) => named.Count == 1 ? [] :
    [
        $"{(named.Count == 0 ? "no method is given" : string.Join(" and ", named) + " are given")}, " +
        $"expected exactly one of {string.Join(", ", PretrainMethods.Names)}. " +
        "For example, --set simClr=null removes one.",
    ];

    private static void AddProperties(JsonTypeInfo type)
    {
        if (type.Type != typeof(RunConfig))
        {
            return;
        }

        var at = type.Properties.Index().First(item => item.Item.Name == Next).Index;
        foreach (var method in PretrainMethods.All)
        {
            var property = type.CreateJsonPropertyInfo(method.GetType(), method.Name);
            property.Get = config =>
                ((RunConfig)config).Method is var own && own.GetType() == method.GetType() ? own : null;
            property.Set = (config, value) => Use((RunConfig)config, value as IMethodOptions);
            property.ShouldSerialize = (_, value) => value is not null;
            type.Properties.Insert(at++, property);
        }
    }

    private static void Use(RunConfig config, IMethodOptions? method)
    {
        if (method is not null)
        {
            config.Use(method);
        }
    }
}
