using MoCoSharp.Data;

namespace MoCoSharp.Runs;

/// <summary>The recipes that are embedded in the library.</summary>
internal static class ShippedRecipes
{
    private const string Folder = "recipes/";
    private const string Ending = ".json";

    /// <summary>Their names, sorted: "moco-cifar10-cpu" and so on.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(ShippedRecipes).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Ending.Length])
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The JSON of a recipe.</summary>
    /// <param name="name">As in <see cref="Names"/>.</param>
    /// <exception cref="ConfigurationException">No recipe has that name.</exception>
    public static string Read(string name)
    {
        using var stream = typeof(ShippedRecipes).Assembly.GetManifestResourceStream(Folder + name + Ending)
            ?? throw new ConfigurationException([
                $"no recipe {name}.{NearestWord.DidYouMean(name, Names)} Expected a JSON file, or one of " +
                $"{string.Join(", ", Names)}.",
            ]);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
