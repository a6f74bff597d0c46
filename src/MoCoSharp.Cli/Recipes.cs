using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>The recipes that come with the program, and those of a person's own.</summary>
internal static class Recipes
{
    private static string Folder => Path.Combine(AppContext.BaseDirectory, "recipes");

    /// <summary>The file of a recipe: a path, or a name such as "patterns".</summary>
    public static string Find(string recipe)
    {
        if (File.Exists(recipe))
        {
            return recipe;
        }

        var shipped = Path.Combine(Folder, Path.GetFileNameWithoutExtension(recipe) + ".json");
        return File.Exists(shipped)
            ? shipped
            : throw new ConfigurationException([$"no recipe {recipe}: expected a JSON file, or one of {string.Join(", ", Names())}."]);
    }

    private static IEnumerable<string> Names() => Directory.Exists(Folder)
        ? Directory.GetFiles(Folder, "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)!
        : [];
}
