using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Tests;

/// <summary>The commands of the pages, run in order on small images, with settings that make them short.</summary>
public sealed class DocumentedCommandTests : IDisposable
{
    // Commands that are not run here, by their beginning, and why.
    private static readonly Dictionary<string, string> NotRun = new()
    {
        ["CONTRIBUTING.md: dotnet build"] = "builds this test",
        ["CONTRIBUTING.md: ./test.sh"] = "runs this test",
        ["README.md: dotnet pack"] = "eng/try-packages.sh packs",
        ["README.md: dotnet tool install"] = "eng/try-packages.sh installs",
        ["docs/explanation/pytorch-files.md: MOCOSHARP_"] = "minutes to hours",
        ["docs/getting-started.md: mpirun"] = "docs/how-to/processes.md has it too",
        ["docs/how-to/detection.md: moco study detection"] = "DetectTests runs such a study",
        ["docs/how-to/given-weights.md: dotnet"] = "restored by MoCoSharp.Tests, which imports the file",
        ["docs/how-to/given-weights.md: cp"] = "the same",
        ["docs/how-to/imagenette.md: curl"] = "no network",
        ["docs/how-to/imagenette.md: tar"] = "no network",
        ["docs/how-to/pytorch.md: moco import checkpoint_0100.pth.tar"] =
            "a whole training of ResNet-50: ImportTests resumes a small one",
        ["docs/how-to/pytorch.md: moco pretrain --resume --run runs/on"] = "the same",
        ["docs/how-to/watch.md: moco"] = "serves until Ctrl-C: WatchCommandTests",
        ["README.md: moco watch"] = "the same",
        ["docs/how-to/serve.md: moco export"] = "docs/how-to/export.md has it too",
        ["docs/how-to/serve.md: dotnet run"] = "ExportTests runs the service",
        ["docs/how-to/serve.md: curl"] = "ExportTests asks the service",
    };

    private const string Detection =
        "batchSize=2 steps=2 threads=1 workers=1 logEvery=1 preciseBnBatches=1 " +
        "views.shortSides=[48] views.testShortSide=48 detector.roi.samples=8 detector.roi.poolSize=4 " +
        "detector.rpn.trainAfter=20 detector.rpn.testAfter=20 detector.anchorSizes=[16,32]";

    private const string PreTraining =
        "encoder.depth=18 encoder.width=4 views.size=32 batchSize=8 bnGroups=2 simClr=null moco.queueSize=16 "
        + "moco.dimension=8 threads=1 loader.workers=1 knn.neighbours=5 knn.everyEpochs=0 optimizer.warmupSteps=0 " +
            "epochs=2";

    // Pages that begin where a run is there.
    private static readonly string[] PagesWithARun =
    [
        "docs/how-to/classify.md", "docs/how-to/detection.md", "docs/how-to/duplicates.md", "docs/how-to/export.md",
        "docs/how-to/health.md", "docs/how-to/kept-features.md", "docs/how-to/map.md", "docs/how-to/pytorch.md",
        "docs/how-to/report.md", "docs/how-to/resume.md", "docs/how-to/search.md", "docs/how-to/select.md",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public static TheoryData<string> All => [.. Pages()];

    [Theory]
    [MemberData(nameof(All))]
    public void EveryCommand_DoesWhatThePageSays(string page)
    {
        Prepare(page);
        foreach (var line in Commands(page).Where(line => !IsNotRun(page, line)))
        {
            var (code, output, error) = Run(line);
            Assert.True(code == 0, $"{page}: {line}\nended with {code}. It said: {output}\n{error}");
        }
    }

    [Fact]
    public void EveryExceptionFromRunning_IsInAPage() => Assert.All(NotRun.Keys, beginning => Assert.Contains(
        Pages().SelectMany(page => Commands(page).Select(line => $"{page}: {line}")),
        line => line.StartsWith(beginning, StringComparison.Ordinal)));

    /// <summary>Commands in sentences, tables and indented blocks are parsed, and not run.</summary>
    [Fact]
    public void EveryCommandInASentence_IsACommandLineOfTheProgram()
    {
        var lines = DocumentationTests.Pages().Where(page => page != "CHANGELOG.md")
            .SelectMany(page => InSentences(page).Select(line => (Page: page, Line: line)))
            .Where(item => !IsPattern(item.Line))
            .ToList();

        Assert.True(lines.Count > 50);
        Assert.All(lines, item =>
        {
            var words = item.Line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];
            Assert.Empty(UsageFaults.Find(Verbs.Parse(Verbs.Create(), words), words)
                .Where(fault => !fault.Contains(" is missing", StringComparison.Ordinal)) // the verb alone may be named
                .Select(fault => $"{item.Page}: {item.Line}: {fault}"));
        });
    }

    /// <summary>The rows of the papers' tables are trainings of weeks; their recipes and settings must exist.</summary>
    [Fact]
    public void EveryTrainingInASentence_HasARecipeAndSettingsThatExist()
    {
        var trainings = DocumentationTests.Pages().SelectMany(InSentences)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is [_, "pretrain", not "RECIPE", ..] && !words[2].StartsWith('-'))
            .Where(words => !words.Any(word => IsPattern(word) || word.EndsWith("=N") || word.EndsWith("=S")))
            .ToList();

        Assert.True(trainings.Count > 15);
        Assert.All(trainings, words => RunConfigFile.Load(
            Recipes.Find(words[2]),
            words.SkipWhile(word => word != "--set").Skip(1).TakeWhile(word => !word.StartsWith("--"))));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static IEnumerable<string> Pages() => DocumentationTests.Pages().Where(page => Commands(page).Any());

    private static bool IsNotRun(string page, string line) =>
        NotRun.Keys.Any(beginning => $"{page}: {line}".StartsWith(beginning, StringComparison.Ordinal));

    // One a line, without remarks; a backslash at the end continues the line.
    private static IEnumerable<string> Commands(string page) => DocumentationTests.Blocks(page, "sh")
        .SelectMany(block => string.Join('\n', block).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        .Select(line => line.Split(" #")[0].Trim())
        .Where(line => line.Length > 0 && line[0] != '#');

    // "moco study ablation|momentum ..." stands for several commands.
    private static bool IsPattern(string command) =>
        command.Contains("...", StringComparison.Ordinal) || command.AsSpan().IndexOfAny('|', '[') >= 0;

    private static IEnumerable<string> InSentences(string page) => DocumentationTests.Prose(page)
        .SelectMany(line => line.StartsWith("    ", StringComparison.Ordinal)
            ? [line.Split(" #")[0].Trim()]
            : line.Split('`').Where((_, i) => i % 2 == 1)) // between two backticks
        .Where(command => command.StartsWith("moco ", StringComparison.Ordinal));

    private (int Code, string Output, string Error) Run(string line)
    {
        const string launcher = "mpirun -np 4 ";
        var isJob = line.StartsWith(launcher, StringComparison.Ordinal);
        line = isJob ? line[launcher.Length..] : line;
        Assert.True(
            line.StartsWith("moco ", StringComparison.Ordinal),
            $"{line}: expected a command of moco, or its beginning among those that are not run.");
        var (words, file) = (Shortened(line.Split(" > ")[0]), line.Split(" > ").ElementAtOrDefault(1));
        if (Array.IndexOf(words, "-o") is var option and >= 0)
        {
            File.Delete(Path.Combine(folder, words[option + 1])); // a page may show two ways to make one file
        }

        if (isJob)
        {
            Mpirun.Demand();
            using var job = new Job(Mpirun.Start(folder, 4, [.. words, "bnGroups=4"])); // after --set
            var (said, warned) = job.Wait(0);
            return (0, said, warned);
        }

        var (code, output, error) = Moco.Run(folder, words);
        if (file is not null)
        {
            File.WriteAllText(Path.Combine(folder, file), output);
        }

        return (code, output, error);
    }

    private string[] Shortened(string line)
    {
        // The name of a classifier has a hash in it: the page's stands for the one that is there.
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]
            .Select(word => word.StartsWith("runs/mine/classifiers/", StringComparison.Ordinal)
                ? Directory.GetFiles(Path.Combine(folder, "runs", "mine", "classifiers"), "*.safetensors").Single()
                : word)
            .ToList();
        switch (words[0])
        {
            case "pretrain" when words.Contains("--resume"):
                words.AddRange(["--steps", "3"]);
                break;
            case "pretrain" when words.Contains("--resume-with-changes"):
                words.AddRange(["--steps", "4"]);
                break;
            case "pretrain":
                // A time budget chooses the epochs.
                words.AddRange(
                [
                    "--steps", "2", "--set",
                    .. PreTraining.Split(' ').Where(setting => setting != "epochs=2" || !words.Contains("--minutes")),
                ]);
                break;
            case "import":
                words.AddRange(["--set", "threads=1", "loader.workers=1"]);
                break;
            case "detect" when words.Contains("--resume"):
                break;
            case "study" when words[1] == "cost":
                words.AddRange(["--only", "moco", "--steps", "1", "--set", "encoder.width=4", "threads=1"]);
                break;
            case "study" when words[1] == "budget" && words.Contains("--dry-run"):
                break;
            case "study":
                words.AddRange(["--data", "labeled", "--set", .. PreTraining.Split(' '), "epochs=1"]);
                break;
            case "bench":
                words.AddRange(["--steps", "1", "--set", .. PreTraining.Split(' ')]);
                break;
            case "detect":
                words.AddRange(["--set", .. Detection.Split(' ')]);
                break;
            case "linear" when !words.Contains("--fast"):
                Put(words, "--epochs", "1");
                Put(words, "--batch", "8");
                break;
            case "finetune":
                Put(words, "--epochs", "1");
                Put(words, "--batch", "2");
                break;
            case "select":
                Put(words, "-n", "3");
                break;
            case "knn":
                words.AddRange(["-k", "3"]);
                break;
        }

        return [.. words];
    }

    private static void Put(List<string> words, string option, string value)
    {
        var at = words.IndexOf(option);
        if (at < 0)
        {
            words.AddRange([option, value]);
        }
        else
        {
            words[at + 1] = value;
        }
    }

    // The files and folders that the pages speak of.
    private void Prepare(string page)
    {
        Images("photos", 24, 0);
        foreach (var set in new[] { "labeled", "imagenette" })
        {
            foreach (var kind in new[] { "cat", "dog" })
            {
                Images(Path.Combine(set, "train", kind), 20, kind[0]);
                Images(Path.Combine(set, "val", kind), 4, kind[0] + 1);
            }
        }

        Boxes("VOCdevkit");
        Boxes("cards");
        Weights("moco_v2_800ep_pretrain.pth.tar");
        File.Copy(Path.Combine(folder, "moco_v2_800ep_pretrain.pth.tar"), Path.Combine(folder, "FILE"));
        Weights("dino.pth", "student/module.backbone.", "teacher/backbone.");
        Weights("two.ckpt", "state_dict/backbone.", "state_dict/momentum_backbone.");
        if (page == "docs/how-to/given-weights.md")
        {
            Succeed(["export", "FILE", "--format", "onnx", "-o", "ResNet18.onnx"]);
        }

        if (PagesWithARun.Contains(page))
        {
            var width = page is "docs/how-to/export.md" or "docs/how-to/pytorch.md" ? 64 : 4; // other tools know 64
            string[] settings = [.. PreTraining.Split(' '), $"encoder.width={width}"];
            foreach (var run in page == "docs/how-to/report.md" ? ["mine", "other"] : new[] { "mine" })
            {
                string[] words = ["--data", "photos", "--run", $"runs/{run}", "--steps", "1"];
                Succeed(["pretrain", "moco-v2-folder", .. words, "--set", .. settings]);
            }
        }

        if (page == "README.md")
        {
            File.Move(Path.Combine(folder, "photos", "07.png"), Path.Combine(folder, "photos", "beach.jpg"));
        }

        if (page == "docs/how-to/search.md")
        {
            File.Copy(Path.Combine(folder, "photos", "07.png"), Path.Combine(folder, "photos", "beach.jpg"));
            Images("holiday", 3, 9);
        }

        if (page == "docs/how-to/classify.md")
        {
            Succeed(["linear", "runs/mine", "--data", "labeled", "--fast"]);
        }
    }

    private void Succeed(string[] words)
    {
        var (code, _, error) = Moco.Run(folder, words);
        Assert.True(code == 0, error);
    }

    // Two images to learn from, one to judge by.
    private void Boxes(string set)
    {
        Images(Path.Combine(set, "JPEGImages"), 3, 7);
        Directory.CreateDirectory(Path.Combine(folder, set, "ImageSets", "Main"));
        Directory.CreateDirectory(Path.Combine(folder, set, "Annotations"));
        File.WriteAllText(Path.Combine(folder, set, "ImageSets", "Main", "train.txt"), "00\n01\n");
        File.WriteAllText(Path.Combine(folder, set, "ImageSets", "Main", "test.txt"), "02\n");
        for (var i = 0; i < 3; i++)
        {
            File.WriteAllText(
                Path.Combine(folder, set, "Annotations", $"{i:D2}.xml"),
                "<annotation><size><width>40</width><height>40</height></size><object><name>a</name>" +
                "<bndbox><xmin>5</xmin><ymin>8</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>");
        }
    }

    // As the released files are: one encoder with its head.
    private void Weights(string name) => Weights(name, "state_dict/module.encoder_q.");

    // Each place is the name of a dictionary, and what precedes the names in it.
    private void Weights(string name, params string[] places)
    {
        using var random = new Generator(3);
        var options = new EncoderOptions { Depth = 18, Width = 4, Head = EncoderHead.Mlp };
        using var encoder = new Encoder(options, 8, bnGroups: 1, random);
        using var scope = NewDisposeScope();
        var file = new PickleDictionary { ["epoch"] = 800, ["arch"] = "resnet18" };
        foreach (var place in places.Index())
        {
            var (dictionary, prefix) = (place.Item.Split('/')[0], place.Item.Split('/')[1]);
            var state = file.TryGet(dictionary, out var there)
                ? (PickleDictionary)there
                : new PickleDictionary(isOrderedDict: true);
            file[dictionary] = state;
            foreach (var (key, tensor) in EncoderFile.Weights(encoder, withHead: true))
            {
                // No two of a file are the same.
                state[prefix + key] = tensor.is_floating_point() ? tensor + place.Index : tensor;
            }
        }

        TorchFile.Write(Path.Combine(folder, name), file, TorchFormat.Legacy);
    }

    private void Images(string name, int count, int seed)
    {
        var images = new Patterns(count, 40, seed);
        var path = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        for (var i = 0; i < count; i++)
        {
            File.WriteAllBytes(Path.Combine(path, $"{i:D2}.png"), ImageEncoder.Png(images.Read(i).Image));
        }
    }
}
