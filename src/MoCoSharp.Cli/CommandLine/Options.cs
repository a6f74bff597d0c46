using System.CommandLine;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>The options that several verbs share.</summary>
internal static class Options
{
    /// <summary>--verbose.</summary>
    public static Option<bool> Verbose() => new("--verbose") { Description = "Show stack traces." };

    /// <summary>--data SOURCE.</summary>
    public static Option<string?> Data(string description) =>
        new("--data") { HelpName = "source", Description = description };

    /// <summary>--data SOURCE, for a verb that requires it.</summary>
    public static Option<string> RequiredData(string description) =>
        new("--data") { HelpName = "source", Description = description, Required = true };

    /// <summary>--val SOURCE.</summary>
    public static Option<string?> Validation(string description) =>
        new("--val") { HelpName = "source", Description = description };

    /// <summary>--run FOLDER.</summary>
    public static Option<string?> Run(string description) =>
        new("--run") { HelpName = "folder", Description = description };

    /// <summary>--set KEY=VALUE ...</summary>
    public static Option<string[]> Set(string description) => new("--set")
    {
        HelpName = "key=value",
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    /// <summary>--encoder query|key. The caller rejects other values.</summary>
    public static Option<string> Encoder() =>
        new Option<string>("--encoder") { Description = "query or key.", DefaultValueFactory = _ => "query" }.Offers(
            "query",
            "key");

    /// <summary>--part train|val.</summary>
    public static Option<string> Part() => new Option<string>("--part")
    {
        Description = "train or val, for a source that has both.",
        DefaultValueFactory = _ => "train",
    }.Offers("train", "val");

    /// <summary>--seed N.</summary>
    public static Option<long?> Seed(string description) =>
        new Option<long?>("--seed") { Description = description }.Number("a whole number");

    /// <summary>--steps N, after which a run saves and ends.</summary>
    public static Option<long?> StepLimit(string description) =>
        new Option<long?>("--steps") { Description = description }.Number("a whole number above 0");

    /// <summary>--minutes M: a time budget.</summary>
    public static Option<double?> Minutes(string description) =>
        new Option<double?>("--minutes") { Description = description }.Number("a number above 0");

    /// <summary>--steps N, for the median of a benchmark.</summary>
    public static Option<int> MeasuredSteps() => new Option<int>("--steps")
    {
        Description = "Number of measured steps; their median is reported. Four more steps warm up.",
        DefaultValueFactory = _ => 3,
    }.Number("a whole number above 0");

    /// <summary>--device NAME.</summary>
    public static Option<string?> Device() =>
        new("--device") { HelpName = "device", Description = "cpu, cuda or cuda:n." };

    /// <summary>--device NAME, for a verb that uses an encoder.</summary>
    public static Option<string?> EncoderDevice() => new("--device")
    {
        HelpName = "device",
        Description =
            "cpu, cuda or cuda:n. Without it, the device of the run, another GPU or the CPU if that is missing.",
    };

    /// <summary>--libtorch FOLDER, for every verb.</summary>
    public static Option<string?> Libtorch { get; } = new("--libtorch")
    {
        HelpName = "folder",
        Description = "Use the libtorch in this folder, as MOCOSHARP_LIBTORCH does.",
        Recursive = true,
    };

    /// <summary>--dry-run.</summary>
    public static Option<bool> DryRun(string description) => new("--dry-run") { Description = description };

    /// <summary>--json.</summary>
    public static Option<bool> Json(string description) => new("--json") { Description = description };

    /// <summary>--force.</summary>
    public static Option<bool> Force() => new("--force") { Description = "Replace an existing file." };

    /// <summary>--from-scratch.</summary>
    public static Option<bool> FromScratch(string description) => new("--from-scratch") { Description = description };

    /// <summary>--exif-orientation.</summary>
    public static Option<bool> ExifOrientation(string description) =>
        new("--exif-orientation") { Description = description };

    /// <summary>--only NAMES.</summary>
    public static Option<string?> Only(string description) =>
        new("--only") { HelpName = "names", Description = description };

    /// <summary>--seeds N.</summary>
    public static Option<int> Seeds(string description, int fallback, string expected) =>
        new Option<int>("--seeds") { Description = description, DefaultValueFactory = _ => fallback }.Number(expected);
}
