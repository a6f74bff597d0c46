using System.CommandLine;
using MoCoSharp.Cli.CommandLine;

namespace MoCoSharp.Cli.Tests;

/// <summary>What is said of a command line that cannot be carried out.</summary>
public sealed class UsageTests : IDisposable
{
    private static readonly RootCommand Root = Verbs.Create();

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public static TheoryData<string> EveryVerb => [.. All(Root).Select(Name)];

    [Theory]
    [InlineData("pretrian", "Unknown verb pretrian. Did you mean pretrain?")]
    [InlineData("train", "Unknown verb train. Did you mean pretrain?")]
    [InlineData("KNN", "Unknown verb KNN. Did you mean knn?")]
    [InlineData("frobnicate", "Unknown verb frobnicate.")]
    [InlineData("--verison", "Unknown option --verison. Did you mean --version?")]
    [InlineData(
        "study abaltion",
        "Unknown study abaltion. Did you mean ablation? Expected ablation, temperature, queue, momentum, methods, " +
        "shuffle, budget, cost or detection."
    )]
    [InlineData(
        "study",
        "moco study needs a kind: ablation, temperature, queue, momentum, methods, shuffle, budget, cost or detection."
    )]
    [InlineData("bench stp patterns", "Unknown bench stp. Did you mean step? Expected data or step.")]
    [InlineData("pretrain --dta photos", "Unknown option --dta. Did you mean --data?")]
    [InlineData("pretrain --dta=photos", "Unknown option --dta. Did you mean --data?")]
    [InlineData("pretrain patterns --set epochs=2 --stesp 5", "Unknown option --stesp. Did you mean --steps?")]
    [InlineData("knn runs/mine --libtroch lib", "Unknown option --libtroch. Did you mean --libtorch?")]
    [InlineData("knn runs/mine --neighbers 5", "Unknown option --neighbers. Did you mean --neighbors?")]
    [InlineData("export run -output a.onnx --format onnx", "Unknown option -output. Did you mean --output?")]
    [InlineData("knn run -data photos", "Unknown option -data. Did you mean --data?")]
    [InlineData(
        "pretrain --run -elsewhere",
        "Unknown option -elsewhere. Write a value that begins with - after =, as in --run=-x."
    )]
    [InlineData("completion bsh", "<shell> is bsh, expected bash, zsh, fish or pwsh. Did you mean bash?")]
    [InlineData(
        "export run --format onxx -o a",
        "--format is onxx, expected safetensors, onnx, torchvision, timm, torch or detectron2. Did you mean onnx?"
    )]
    [InlineData("pretrain --usr1 stpo", "--usr1 is stpo, expected stop or continue. Did you mean stop?")]
    [InlineData("pretrain --on-bad-image drop", "--on-bad-image is drop, expected skip or fail.")]
    [InlineData("pretrain --steps abc", "--steps is abc, expected a whole number above 0.")]
    [InlineData("pretrain --steps 1.5", "--steps is 1.5, expected a whole number above 0.")]
    [InlineData("pretrain --steps 1,000", "--steps is 1,000, expected a whole number above 0.")]
    [InlineData(
        "linear run --epochs 9999999999",
        "--epochs is 9999999999, expected a whole number above 0, and not as large."
    )]
    [InlineData("linear run --lr nan", "--lr is nan, expected a number above 0.")]
    [InlineData("detect --draw many", "--draw is many, expected a whole number of images from 1 to 10000.")]
    [InlineData(
        "pretrain --steps",
        "--steps has no value: expected <number>. Save and end after this many steps in total."
    )]
    [InlineData("pretrain --steps 1 --steps 2", "--steps is given twice, expected once: 1, 2.")]
    [InlineData(
        "pretrain a b",
        "b is not expected: moco pretrain takes one <recipe>. Put a name with spaces in quotes."
    )]
    [InlineData("doctor", "<run> is missing. A run folder, or images: --data PHOTOS.")]
    [InlineData(
        "export --format onnx -o a.onnx",
        "<source> is missing. A run folder, a checkpoint, an exported encoder, or a PyTorch file."
    )]
    [InlineData("pack photos", "--output is missing. The file to write.")]
    public void AMistypedLine_IsReported_WithASuggestion(string line, string expected) =>
        Assert.Equal([expected], Faults(line.Split(' ')));

    [Fact]
    public void AnOptionOfEveryVerb_WithoutItsValue_IsReportedByTheProgram()
    {
        var (code, _, error) = Moco.Run(folder, "inspect", "--environment", "--libtorch");

        Assert.Equal(2, code);
        Assert.StartsWith("moco: --libtorch has no value: expected <folder>.", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void AllFaultsOfALine_AreReportedTogether() => Assert.Equal(
    [
        "--steps is x, expected a whole number above 0.",
        "--usr1 is y, expected stop or continue.",
        "b is not expected: moco pretrain takes one <recipe>. Put a name with spaces in quotes.",
    ], Faults("pretrain", "a", "b", "--usr1", "y", "--steps", "x"));

    [Fact]
    public void AnEmptyValue_AsOfAnUnsetVariable_IsReported() =>
        Assert.StartsWith("--data is empty. Images: ", Assert.Single(Faults("pretrain", "--data", "")));

    [Theory]
    [InlineData("pretrain --data @eaDir")]
    [InlineData("linear run --lr -1")]
    [InlineData("pretrain -- --odd-name")]
    [InlineData("pretrain --run=-elsewhere --data=--photos")]
    [InlineData("knn run -k5")]
    [InlineData("pretrain patterns --set moco.temperature=-1 epochs=2 --dry-run")]
    [InlineData("detect run --draw")]
    public void UnusualButValidLines_AreAccepted(string line) => Assert.Empty(Faults(line.Split(' ')));

    [Theory]
    [MemberData(nameof(EveryVerb))]
    public void EveryOption_WithAnInvalidValue_SaysWhatIsExpected_WithoutDotNetTerms(string verb)
    {
        var command = All(Root).Single(item => Name(item) == verb);
        foreach (var option in command.Options.Where(option => option.ValueType != typeof(bool)))
        {
            Assert.False(string.IsNullOrEmpty(option.HelpName), $"{verb} {option.Name}: its value has no name");
            foreach (var value in new[] { "%%", "1e999", "-", "ünder", "0x10" })
            {
                foreach (
                    var fault in Faults([.. verb.Split(' '), .. Arguments(command), option.Name, value])
                        .Where(fault => !fault.Contains("is missing")))
                {
                    Assert.StartsWith($"{option.Name} is {value}, expected ", fault);
                    Assert.DoesNotContain("System", fault);
                    Assert.DoesNotContain(" type", fault);
                    Assert.DoesNotContain("Nullable", fault);
                }
            }

            var isNumber = (Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType) is { IsPrimitive: true };
            Assert.Equal(
                isNumber,
                Faults([.. verb.Split(' '), .. Arguments(command), option.Name, "%%"])
                    .Any(fault => fault.Contains(" number")));
        }
    }

    [Fact]
    public void EveryVerb_HasItsPlaceInTheHelp() =>
        Assert.Equal(
            Root.Subcommands.Select(command => command.Name).Order(),
            Verbs.Groups.SelectMany(group => group.Names).Order());

    [Theory]
    [InlineData("--data", "cifra10:data", "Did you mean cifar10:data?")]
    [InlineData("--data", "paterns", "Did you mean patterns?")]
    [InlineData("--data", "phtos", "Did you mean photos?")]
    [InlineData("--set", "epchs=2", "unknown key epchs. Did you mean epochs?")]
    [InlineData("--set", "patterns", "put a recipe before it")]
    public void AMistypedSourceOrSetting_IsReported_WithASuggestion(string option, string value, string expected)
    {
        Directory.CreateDirectory(Path.Combine(folder, "photos"));

        var (code, _, error) = Moco.Run(folder, "pretrain", option, value);

        Assert.Equal(2, code);
        Assert.Contains(expected, error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void AMistypedRecipe_RunOrKindOfBoxes_IsReported_WithASuggestion()
    {
        Directory.CreateDirectory(Path.Combine(folder, "runs", "mine"));
        Assert.Contains(
            "no recipe moco-v2-folders. Did you mean moco-v2-folder?",
            Moco.Run(folder, "pretrain", "moco-v2-folders").Error);
        Assert.Contains(
            "runs is a folder, not a recipe. For images, use --data runs",
            Moco.Run(folder, "pretrain", "runs").Error);
        Assert.Contains(
            "runs/mien: there is no such run folder or file. Did you mean runs/mine?",
            Moco.Run(folder, "knn", "runs/mien").Error);
        Assert.Contains(
            "Did you mean voc:here?",
            Moco.Run(folder, "detect", "--from-scratch", "--data", "vco:here").Error);
    }

    [Fact]
    public void FaultsOfAllKindsInSettings_AreReportedTogether()
    {
        var (code, _, error) = Moco.Run(
            folder, "pretrain", "patterns", "--set", "moco.temperature=-1", "batchSize=0", "epochs=x",
                "knn.everyEpochs=1.5",
            "optimizer.lr=3");

        Assert.Equal(2, code);
        Assert.Contains("--set moco.temperature=-1: moco.temperature is -1, expected a number above 0.", error);
        Assert.Contains("--set batchSize=0: batchSize is 0, expected a number above 0.", error);
        Assert.Contains("--set epochs=x: epochs is \"x\", expected a whole number such as 200.", error);
        Assert.Contains("--set knn.everyEpochs=1.5: knn.everyEpochs is 1.5, expected a whole number.", error);
        Assert.Contains("--set optimizer.lr=3: unknown key optimizer.lr.", error);
        Assert.Equal(5, error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void TheRecipeForPhotos_WithoutData_SaysThatDataAreMissing()
    {
        Directory.CreateDirectory(Path.Combine(folder, "photos"));

        foreach (
            var line in new[]
            {
                "pretrain moco-v2-folder", "pretrain moco-v2-folder --dry-run", "study ablation moco-v2-folder",
            })
        {
            var (code, _, error) = Moco.Run(folder, line.Split(' '));
            Assert.Equal(2, code);
            Assert.Contains("moco: --data is missing: the recipe is for your own images.", error);
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static IReadOnlyList<string> Faults(params string[] words) =>
        UsageFaults.Find(Verbs.Parse(Root, words), words);

    private static IEnumerable<Command> All(Command command) =>
        command.Subcommands.Count == 0 ? [command] : command.Subcommands.SelectMany(All);

    private static string Name(Command command) =>
        command.Parents.OfType<RootCommand>().Any()
            ? command.Name
            : $"{Name(command.Parents.OfType<Command>().First())} {command.Name}";

    private static IEnumerable<string> Arguments(Command command) =>
        command
            .Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0)
            .Select(argument => argument.Name == "shell" ? "bash" : "name");
}
