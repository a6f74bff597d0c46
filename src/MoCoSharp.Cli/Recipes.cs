using MoCoSharp.Data;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>Finds shipped recipes and recipe files of the user.</summary>
internal static class Recipes
{
    private const string Patterns = "patterns"; // the built-in images
    private const string BuiltIn = "simclr-patterns";
    private const string Photos = "photos";
    private const string SmallImages = "cifar10-30min";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "recipes");

    /// <summary>The file of a recipe: a path, or a name such as "patterns".</summary>
    public static string Find(string recipe)
    {
        if (File.Exists(recipe))
        {
            return recipe;
        }

        var shipped = Path.Combine(Folder, Path.GetFileNameWithoutExtension(recipe) + ".json");
        return File.Exists(shipped) ? shipped
            : Directory.Exists(recipe)
                ? throw new ConfigurationException([
                    $"{recipe} is a folder, not a recipe. For images, use --data {Shell.Quote(recipe)}",
                ])
            : throw new ConfigurationException([
                $"no recipe {recipe}.{NearestWord.DidYouMean(recipe, Names())} Expected a JSON file, or one of " +
                $"{string.Join(", ", Names())}.",
            ]);
    }

    /// <summary>Reads a recipe with settings over it. Null if it has faults, which are added to the list.</summary>
    public static RunConfig? TryLoad(string recipe, IEnumerable<string> settings, List<string> faults)
    {
        try
        {
            return RunConfig.Load(Find(recipe), [.. settings]);
        }
        catch (ConfigurationException error)
        {
            faults.AddRange(error.Faults);
            return null;
        }
    }

    /// <summary>The default recipe for a source of images; null is the built-in images.</summary>
    public static string For(string? source)
    {
        var kind = source is null ? Patterns : Path.Exists(source) ? "" : source.Split(':')[0];
        return kind switch
        {
            Patterns => BuiltIn,
            "cifar10" or "cifar100" or "idx" => SmallImages,
            _ => Photos,
        };
    }

    /// <summary>A remark on the default recipe, and on how to use another; null if none is needed.</summary>
    public static string? Remark(string? source) => For(source) switch
    {
        BuiltIn => null,
        var taken =>
            $"no recipe is named: using {taken}, for " +
            $"{(taken == Photos ? "your own images" : "images of about 32 pixels, on a CPU")}. "
                + $"Another one: moco pretrain RECIPE --data {Shell.Quote(source!)}, with one of " +
                    $"{string.Join(", ", Names())}.",
    };

    /// <summary>The shipped recipes that train with a method.</summary>
    /// <param name="method">The key of its section, such as "moco".</param>
    public static IEnumerable<string> ForMethod(string method) =>
        Names().Where(name => TryLoad(name, [], [])?.Method.Name == method);

    /// <summary>Whether a path is a shipped recipe.</summary>
    public static bool IsShipped(string path) => Path.GetDirectoryName(path) == Folder;

    /// <summary>The names of the shipped recipes.</summary>
    public static IEnumerable<string> Names() => Directory.Exists(Folder)
        ? Directory.GetFiles(Folder, "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)!
        : [];
}
