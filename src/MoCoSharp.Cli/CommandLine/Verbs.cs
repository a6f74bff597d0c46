using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using MoCoSharp.Cli.Commands;
using MoCoSharp.Cli.Studies;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>All verbs of the program.</summary>
internal static class Verbs
{
    /// <summary>The verbs by purpose, in the order of a typical workflow.</summary>
    public static IReadOnlyList<(string Title, IReadOnlyList<string> Names)> Groups { get; } =
    [
        ("train", ["pretrain", "pack"]),
        ("evaluate", ["knn", "linear", "finetune", "detect", "compare", "study"]),
        ("use", ["report", "watch", "search", "duplicates", "select", "map", "embed", "predict"]),
        ("exchange", ["export", "import"]),
        ("inspect and set up", ["inspect", "doctor", "bench", "completion", "help"]),
    ];

    /// <summary>Example commands for new users.</summary>
    public static IReadOnlyList<(string Command, string Description)> FirstCommands { get; } =
    [
        ("moco pretrain", "trains on built-in images for a minute or two, with evaluation"),
        ("moco pretrain --data photos --dry-run", "estimates time and memory for a folder of images"),
        ("moco embed runs/mine -o features.csv", "writes the features of a run's images"),
    ];

    /// <summary>The program with its verbs.</summary>
    public static RootCommand Create()
    {
        var root = new RootCommand(
            "moco: pre-train a visual encoder on unlabeled images (MoCo v1 and v2), and evaluate it.")
        {
            PretrainCommand.Create(),
            PackCommand.Create(),
            KnnCommand.Create(),
            LinearCommand.Create(),
            FinetuneCommand.Create(),
            DetectCommand.Create(),
            CompareCommand.Create(),
            StudyCommand.Create(),
            EmbedCommand.Create(),
            SearchCommand.Create(),
            DuplicatesCommand.Create(),
            PredictCommand.Create(),
            SelectCommand.Create(),
            MapCommand.Create(),
            ReportCommand.Create(),
            WatchCommand.Create(),
            ExportCommand.Create(),
            ImportCommand.Create(),
            InspectCommand.Create(),
            DoctorCommand.Create(),
            BenchCommand.Create(),
            CompletionCommand.Create(),
            HelpCommand.Create(),
        };
        root.Add(Options.Libtorch);
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        root.Add(
            new HelpOption("--help", "-h", "-?")
            {
                Action = new HelpText(),
                Description = "Show all verbs, or the options of a verb.",
            });
        var suggest = root.Directives.OfType<SuggestDirective>().Single();
        suggest.Action = new Completion(suggest);
        return root;
    }

    /// <summary>Parses a command line. Treats a word that begins with @ as a word, not as a response file.</summary>
    public static ParseResult Parse(RootCommand root, IReadOnlyList<string> words) =>
        root.Parse(words, new ParserConfiguration { ResponseFileTokenReplacer = null });
}
