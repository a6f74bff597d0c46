using MoCoSharp.Data;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>The recipes that come with the program, and those of a person's own.</summary>
internal static class Recipes
{
    private const string Patterns = "patterns";
    private const string Photos = "moco-v2-folder";
    private const string SmallImages = "moco-cifar10-cpu";

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
                    $"{recipe} is a folder, not a recipe. Are these the images? --data {Shell.Quote(recipe)}",
                ])
            : throw new ConfigurationException([
                $"no recipe {recipe}.{NearestWord.DidYouMean(recipe, Names())} Expected a JSON file, or one of " +
                $"{string.Join(", ", Names())}.",
            ]);
    }

    /// <summary>Reads a recipe with settings over it; null if it has faults, which go into the list.</summary>
    public static RunConfig? TryLoad(string recipe, IEnumerable<string> settings, List<string> faults)
    {
        try
        {
            return RunConfigFile.Load(Find(recipe), settings);
        }
        catch (ConfigurationException error)
        {
            faults.AddRange(error.Faults);
            return null;
        }
    }

    /// <summary>What is taken where no recipe is named: by the images, of which null are the built-in ones.</summary>
    public static string For(string? source)
    {
        var kind = source is null ? Patterns : Path.Exists(source) ? "" : source.Split(':')[0];
        return kind switch
        {
            Patterns => Patterns,
            "cifar10" or "cifar100" or "idx" => SmallImages,
            _ => Photos,
        };
    }

    /// <summary>Says which was taken, and how to take another; null where there is nothing to say.</summary>
    public static string? Remark(string? source) => For(source) switch
    {
        Patterns => null,
        var taken =>
            $"no recipe is named: {taken} is taken, for " +
            $"{(taken == Photos ? "photos" : "images of 32 pixels or so, on a CPU")}. "
                + $"Another one: moco pretrain RECIPE --data {Shell.Quote(source!)}, with one of " +
                    $"{string.Join(", ", Names())}.",
    };

    /// <summary>Whether a recipe comes with the program as it is.</summary>
    public static bool IsShipped(string path) => Path.GetDirectoryName(path) == Folder;

    /// <summary>The shipped ones.</summary>
    public static IEnumerable<string> Names() => Directory.Exists(Folder)
        ? Directory.GetFiles(Folder, "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal)!
        : [];
}
