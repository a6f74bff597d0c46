using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Tests;

/// <summary>The commands of README.md and the how-to pages, run in order on a few small images: as they stand there, but for settings that make them short.</summary>
public sealed class DocumentedCommandTests : IDisposable
{
    private static readonly string[] Pages = ["README.md", "docs/export.md", "docs/imagenette.md", "docs/loading.md", "docs/pytorch.md"];

    // Those that are not run here, by their beginning, and why.
    private static readonly Dictionary<string, string> Left = new()
    {
        ["README.md: dotnet run"] = "the main job of .ci/run",
        ["README.md: ./test.sh"] = "runs this test",
        ["README.md: moco compare runs/mine runs/other"] = "there is one run: docs/imagenette.md compares",
        ["README.md: moco pretrain simclr-cifar10-r18"] = "StudyTests trains by SimCLR",
        ["README.md: moco study ablation"] = "minutes; StudyTests runs others",
        ["docs/export.md: dotnet run"] = "ExportTests runs the service",
        ["docs/export.md: curl"] = "ExportTests asks the service",
        ["docs/imagenette.md: curl"] = "no network",
        ["docs/imagenette.md: tar"] = "no network",
        ["docs/pytorch.md: MOCOSHARP_"] = "minutes to hours",
        ["docs/pytorch.md: moco import checkpoint_0100.pth.tar"] = "a whole training of ResNet-50: ImportTests goes on with a small one",
        ["docs/pytorch.md: moco pretrain --resume --run runs/on"] = "the same",
    };

    private const string Detection = "encoder.depth=18 encoder.width=4 batchSize=2 steps=2 threads=1 workers=1 logEvery=1 preciseBnBatches=1 views.shortSides=[48] " +
        "views.testShortSide=48 detector.roi.samples=8 detector.roi.poolSize=4 detector.rpn.trainAfter=20 detector.rpn.testAfter=20 detector.anchorSizes=[16,32]";

    private const string PreTraining = "encoder.depth=18 encoder.width=4 views.size=32 batchSize=8 bnGroups=2 moco.queueSize=16 moco.dimension=8 threads=1 " +
        "loader.workers=1 knn.neighbours=5 knn.everyEpochs=0 optimizer.warmupSteps=0 epochs=2";

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public static TheoryData<string> All => [.. Pages];

    [Theory]
    [MemberData(nameof(All))]
    public void EveryCommand_DoesWhatThePageSays(string page)
    {
        Prepare(withRun: page is "docs/export.md" or "docs/pytorch.md");
        foreach (var line in Commands(page).Where(line => !IsLeft(page, line)))
        {
            Assert.True(line.StartsWith("moco ", StringComparison.Ordinal), $"{page}: {line}: expected a command of moco, or its beginning among those that are not run.");
            var words = Shortened(line);
            if (Array.IndexOf(words, "-o") is var option and >= 0)
            {
                File.Delete(Path.Combine(folder, words[option + 1])); // a page may show two ways to make one file
            }

            var (code, output, error) = Moco.Run(folder, words);
            Assert.True(code == 0, $"{page}: {line}\nended with {code}. It said: {output}\n{error}");
        }
    }

    [Fact]
    public void WhatIsNotRun_StandsInAPage() => Assert.All(
        Left.Keys, left => Assert.Contains(Pages.SelectMany(page => Commands(page).Select(line => $"{page}: {line}")), line => line.StartsWith(left, StringComparison.Ordinal)));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static bool IsLeft(string page, string line) => Left.Keys.Any(left => $"{page}: {line}".StartsWith(left, StringComparison.Ordinal));

    // One a line, without remarks; a backslash at the end goes on.
    private static IEnumerable<string> Commands(string page) => DocumentationTests.Blocks(Path.Combine(DocumentationTests.Root(), page), "sh")
        .SelectMany(block => string.Join('\n', block).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        .Select(line => line.Split(" #")[0].Trim())
        .Where(line => line.Length > 0 && line[0] != '#');

    private static string[] Shortened(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..].ToList();
        switch (words[0])
        {
            case "pretrain" when words.Contains("--resume"):
                words.AddRange(["--steps", "3"]);
                break;
            case "pretrain":
                words.AddRange(["--steps", "2", "--set", .. PreTraining.Split(' ')]);
                break;
            case "import":
                words.AddRange(["--set", "threads=1", "loader.workers=1"]);
                break;
            case "detect":
                words.AddRange(["--set", .. Detection.Split(' ').Where(setting => !setting.StartsWith("encoder.", StringComparison.Ordinal))]);
                break;
            case "linear" when !words.Contains("--fast"):
                Put(words, "--epochs", "1");
                Put(words, "--batch", "8");
                break;
            case "finetune":
                Put(words, "--epochs", "1");
                Put(words, "--batch", "2");
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
    private void Prepare(bool withRun)
    {
        Images("photos", 24, 0);
        foreach (var set in new[] { "labelled", "imagenette" })
        {
            foreach (var kind in new[] { "cat", "dog" })
            {
                Images(Path.Combine(set, "train", kind), 20, kind[0]);
                Images(Path.Combine(set, "val", kind), 4, kind[0] + 1);
            }
        }

        Boxes();
        Weights("moco_v2_800ep_pretrain.pth.tar");
        File.Copy(Path.Combine(folder, "moco_v2_800ep_pretrain.pth.tar"), Path.Combine(folder, "FILE"));
        Weights("dino.pth", "student/module.backbone.", "teacher/backbone.");
        Weights("two.ckpt", "state_dict/backbone.", "state_dict/momentum_backbone.");
        if (withRun)
        {
            // As wide as other tools know it.
            var (code, _, error) = Moco.Run(
                folder, ["pretrain", "moco-v2-folder", "--data", "photos", "--run", "runs/mine", "--steps", "1", "--set", .. PreTraining.Split(' '), "encoder.width=64"]);
            Assert.True(code == 0, error);
        }
    }

    // Two images to learn from, one to judge by.
    private void Boxes()
    {
        Images("VOCdevkit/JPEGImages", 3, 7);
        Directory.CreateDirectory(Path.Combine(folder, "VOCdevkit", "ImageSets", "Main"));
        Directory.CreateDirectory(Path.Combine(folder, "VOCdevkit", "Annotations"));
        File.WriteAllText(Path.Combine(folder, "VOCdevkit", "ImageSets", "Main", "train.txt"), "00\n01\n");
        File.WriteAllText(Path.Combine(folder, "VOCdevkit", "ImageSets", "Main", "test.txt"), "02\n");
        for (var i = 0; i < 3; i++)
        {
            File.WriteAllText(
                Path.Combine(folder, "VOCdevkit", "Annotations", $"{i:D2}.xml"),
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
        using var encoder = new Encoder(new EncoderOptions { Depth = 18, Width = 4, Head = EncoderHead.Mlp }, 8, bnGroups: 1, random);
        using var scope = NewDisposeScope();
        var file = new PickleDictionary { ["epoch"] = 800, ["arch"] = "resnet18" };
        foreach (var place in places.Index())
        {
            var (dictionary, prefix) = (place.Item.Split('/')[0], place.Item.Split('/')[1]);
            var state = file.TryGet(dictionary, out var there) ? (PickleDictionary)there : new PickleDictionary(isOrderedDict: true);
            file[dictionary] = state;
            foreach (var (key, tensor) in EncoderFile.Weights(encoder, withHead: true))
            {
                state[prefix + key] = tensor.is_floating_point() ? tensor + place.Index : tensor; // no two of a file are the same
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
