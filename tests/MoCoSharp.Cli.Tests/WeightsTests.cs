using System.Diagnostics;
using System.Security.Cryptography;
using MoCoSharp.Data.Images;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Cli.Tests;

/// <summary>Weights that a run begins with, and files of weights at every verb.</summary>
public sealed class WeightsTests : IDisposable
{
    private static readonly EncoderOptions Small = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Cifar,
        Head = EncoderHead.Mlp,
    };
    private static readonly string[] Tiny =
        [
            .. Moco.Tiny.Split(' '), "encoder.stem=cifar", "data=patterns:24", "epochs=1000",
            "checkpoints.everyEpochs=1000", "knn.everyEpochs=0", "logEvery=1",
        ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void AResumeBeforeTheFirstCheckpoint_BeginsWithTheSameWeights()
    {
        Save("theirs.pth", ("", 1));
        string[] settings = [.. Tiny, "initialWeights=theirs.pth"];
        Assert.Equal(
            0,
            Moco.Run(folder, ["pretrain", "patterns", "--run", "whole", "--steps", "3", "--set",
                .. settings]).ExitCode);

        KillAfterAStep(["pretrain", "patterns", "--run", "killed", "--set", .. settings]);
        Assert.Empty(Directory.GetFiles(Path.Combine(folder, "killed", "checkpoints"), "*.safetensors"));
        File.Delete(Path.Combine(folder, "killed", "views.png"));
        var (code, output, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "killed", "--steps", "3");

        Assert.True(code == 0, error);
        Assert.Contains("there is no checkpoint yet, so training starts again", output);
        Assert.Contains("initialized from theirs.pth", output);
        Assert.Equal(
            Hash("whole/checkpoints/step-00000003.safetensors"),
            Hash("killed/checkpoints/step-00000003.safetensors"));
        Assert.True(File.Exists(Path.Combine(folder, "killed", "views.png")));
    }

    [Fact]
    public void InitialWeightsThatDoNotFit_AreReportedWithTheOtherFaults_InADryRunToo_AndLeaveNoFolder()
    {
        Save("theirs.pth", ("", 1));
        foreach (var dry in new[] { Array.Empty<string>(), ["--dry-run"] })
        {
            var (code, _, error) = Moco.Run(
                folder,
                [
                    "pretrain", "patterns", "--run", "run", .. dry, "--set", .. Tiny, "encoder.width=8", "data=nowhere",
                    "initialWeights=theirs.pth",
                ]);
            Assert.Equal(2, code);
            Assert.Contains("Add --set encoder.width=4, or use other weights.", error);
            Assert.Contains("nowhere", error);

            (code, _, error) = Moco.Run(
                folder,
                ["pretrain", "patterns", "--run", "run", .. dry, "--set", .. Tiny, "initialWeights=gone.pth"]);
            Assert.Equal(2, code);
            Assert.Contains("initialWeights: gone.pth: there is no such file or run folder.", error);
        }

        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
    }

    [Fact]
    public void AFolderOfAnOlderVersion_IsRefusedOrRepaired_OnResume()
    {
        Save("theirs.pth", ("", 1));
        Assert.Equal(
            0,
            Moco.Run(
                folder,
                ["pretrain", "patterns", "--run", "run", "--steps", "1", "--set", .. Tiny, "initialWeights=theirs.pth"]
            ).ExitCode);
        var config = Path.Combine(folder, "run", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"width\": 4", "\"width\": 8"));
        Directory.Delete(Path.Combine(folder, "run", "checkpoints"), recursive: true);

        var (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--steps", "1");
        Assert.Equal(2, code);
        Assert.Contains("Add --set encoder.width=4", error);

        (code, var output, error) = Moco.Run(
            folder, "pretrain", "--resume", "--run", "run", "--steps", "1", "--set", "encoder.width=4");
        Assert.True(code == 0, error);
        Assert.Contains("initialized from theirs.pth", output);
        Assert.Contains("\"width\": 4", File.ReadAllText(config)); // and later resumes know it
    }

    [Fact]
    public void AStartThatFails_RemovesItsFolder_ButKeepsExistingFiles()
    {
        Directory.CreateDirectory(Path.Combine(folder, "broken"));
        for (var i = 0; i < 8; i++)
        {
            File.WriteAllText(Path.Combine(folder, "broken", $"{i}.jpg"), "no image");
        }

        Directory.CreateDirectory(Path.Combine(folder, "mine", "notes"));
        foreach (var run in new[] { "new", "mine" })
        {
            var (code, _, error) = Moco.Run(
                folder,
                ["pretrain", "patterns", "--run", run, "--on-bad-image", "fail", "--set", .. Tiny, "data=broken"]);
            Assert.True(code == 1, error);
        }

        Assert.False(Directory.Exists(Path.Combine(folder, "new")));
        Assert.Equal(
            [Path.Combine(folder, "mine", "notes")],
            Directory.GetFileSystemEntries(Path.Combine(folder, "mine")));
        Assert.Equal(0, Moco.Run(folder, ["pretrain", "patterns", "--run", "new", "--steps", "1", "--set",
            .. Tiny]).ExitCode);
    }

    [Fact]
    public void ARunBegunFromWeights_DoesNotSayThatItIsUntrained()
    {
        Save("theirs.pth", ("", 1));
        var (code, output, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--steps", "1", "--set", .. Tiny, "knn.everyEpochs=1",
                "initialWeights=theirs.pth",
            ]);

        Assert.True(code == 0, error);
        Assert.Contains("(before training, from theirs.pth)", output);
        Assert.DoesNotContain("untrained", output);
    }

    [Theory]
    [InlineData(EncoderStem.Cifar, "runs/it's theirs")]
    [InlineData(EncoderStem.ImageNet, "theirs")]
    public void TheCommandThatImportPrints_WorksAsPrinted(EncoderStem stem, string run)
    {
        Save("theirs.pth", Small with { Stem = stem }, ("", 1));
        var (code, output, error) = Moco.Run(folder, "import", "theirs.pth", "--run", run);
        Assert.True(code == 0, error);
        var printed = output
            .Split('\n')
            .Single(line => line.StartsWith("Start training from it: moco "))
            .Split(": ", 2)[1];
        Pictures("photos", 16);

        (code, output, error) = Moco.Run(
            folder,
            [.. Words(printed).Skip(1), "--run", "next", "--steps", "1", .. Quick()]);

        Assert.True(code == 0, error);
        Assert.Contains("initialized from", output);
    }

    [Fact]
    public void TheCommandOfTheDocs_StartsFromAResNet50()
    {
        var line = File.ReadLines(Path.Combine(DocumentationTests.Root(), "docs", "how-to", "pytorch.md"))
            .Single(text => text.Contains("initialWeights=runs/theirs", StringComparison.Ordinal));
        Save("theirs.pth", Small with { Depth = 50, Stem = EncoderStem.ImageNet }, ("module.encoder_q.", 1));
        Assert.Equal(0, Moco.Run(folder, "import", "theirs.pth", "--run", "runs/theirs").ExitCode);
        Pictures("photos", 16);

        var (code, output, error) = Moco.Run(
            folder,
            [.. Words(line).Skip(1), "--run", "next", "--steps", "1", .. Quick(), "encoder.width=4"]);

        Assert.True(code == 0, error);
        Assert.Contains("initialized from", output);
    }

    [Fact]
    public void AFileWithSeveralNetworks_IsRefusedByEveryVerb_WithoutAPrefix()
    {
        Save("two.ckpt", ("backbone.", 1), ("momentum_backbone.", 2));
        Save("one.pth", ("", 1));
        foreach (
            var verb in new[]
            {
                "knn two.ckpt --data patterns:24", "embed two.ckpt --data patterns:24 -o a.npy",
                "export two.ckpt --format onnx -o a.onnx", "import two.ckpt --run a",
            })
        {
            var (code, _, error) = Moco.Run(folder, verb.Split(' '));
            Assert.True(code == 1, verb);
            Assert.Contains("Choose one: --prefix backbone. or --prefix momentum_backbone.", error);

            (code, _, error) = Moco.Run(folder, [.. verb.Split(' '), "--prefix", "backbone"]);
            Assert.True(code == 0, error);
        }

        Assert.Contains("state_dict.momentum_backbone, another ResNet: choose it with --prefix momentum_backbone",
            Moco.Run(folder, "embed", "two.ckpt", "--prefix", "backbone", "--data", "patterns:24", "-o", "b.csv").Error
        );
        Moco.Run(folder, "embed", "one.pth", "--data", "patterns:24", "-o", "c.csv");
        Assert.Equal(File.ReadAllText(Path.Combine(folder, "c.csv")), File.ReadAllText(Path.Combine(folder, "b.csv")));

        foreach (var verb in new[] { "linear", "finetune", "detect", "inspect" })
        {
            Assert.Contains("--prefix", Moco.Run(folder, verb, "--help").Output);
        }

        Assert.Contains(
            "--set initialPrefix=backbone.",
            Moco.Run(folder, ["pretrain", "patterns", "--run", "run", "--set", .. Tiny,
                "initialWeights=two.ckpt"]).Error);
        var (trained, output, fault) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--steps", "1", "--set", .. Tiny, "initialWeights=two.ckpt",
                "initialPrefix=backbone",
            ]);
        Assert.True(trained == 0, fault);
        Assert.Contains("initialized from two.ckpt, a bare ResNet under state_dict.backbone.", output);
    }

    [Fact]
    public void WeightsThatAreNotFinite_AreRefusedByEveryVerb()
    {
        Save("nan.pth", Small, ("", 1), spoiled: "layer1.0.conv1.weight");
        foreach (
            var verb in new[]
            {
                "knn nan.pth --data patterns:24", "embed nan.pth --data patterns:24 -o a.npy",
                "export nan.pth --format onnx -o a.onnx", "import nan.pth --run a",
            "linear nan.pth --data patterns:24", "finetune nan.pth --data patterns:24" })
        {
            var (code, _, error) = Moco.Run(folder, verb.Split(' '));
            Assert.True(code == 1, verb);
            Assert.Contains("nan.pth: NaN or infinite values in state_dict.layer1.0.conv1.weight", error);
        }

        var (refused, _, fault) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--run", "a", "--set", .. Tiny, "initialWeights=nan.pth"]);
        Assert.Equal(2, refused);
        Assert.Contains("layer1.0.conv1.weight", fault);
        Assert.Contains(
            "not finite: state_dict/layer1.0.conv1.weight: 144 of 144 values",
            Moco.Run(folder, "inspect", "nan.pth").Output);
        Assert.Equal([Path.Combine(folder, "nan.pth")], Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Embed_ReplacesAFile_OnlyWithForce()
    {
        Save("theirs.pth", ("", 1));
        File.WriteAllText(Path.Combine(folder, "a.csv"), "mine");
        // whose names would go into a.csv
        string[] command = ["embed", "theirs.pth", "--data", "patterns:24", "-o", "a.npy"];
        var (code, _, error) = Moco.Run(folder, command);
        Assert.Equal(2, code);
        Assert.Contains("a.csv exists. Name another file with -o, or add --force to replace it.", error);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "a.csv")));

        Assert.Equal(0, Moco.Run(folder, [.. command, "--force"]).ExitCode);
        Assert.Matches(@"\.npy.*\.csv.*\.parquet", Moco.Run(folder, "embed", "--help").Output.ReplaceLineEndings(" "));
    }

    [Fact]
    public void AnExportedEncoder_HasTheScoresOfItsRun()
    {
        Assert.Equal(
            0,
            Moco.Run(
                folder,
                [
                    "pretrain", "patterns", "--run", "run", "--steps", "2", "--set", .. Tiny, "knn.neighbours=3",
                    "knn.temperature=0.02", "precision=fp32",
                ]
            ).ExitCode);
        Assert.Equal(0, Moco.Run(folder, "export", "run", "--format", "safetensors", "-o", "out.safetensors").ExitCode);
        var ofRun = Moco.Run(folder, "knn", "run", "--data", "patterns:64").Output;
        var ofFile = Moco.Run(folder, "knn", "out.safetensors", "--data", "patterns:64");

        Assert.Contains("k 3", ofFile.Output);
        Assert.Equal(Result(ofRun), Result(ofFile.Output)); // the number, and its protocol
        Assert.Empty(ofFile.Error);

        Save("theirs.pth", ("", 1));
        Assert.Contains(
            "theirs.pth has no kNN settings. The defaults are k 200, temperature 0.1 and pooled features",
            Moco.Run(folder, "knn", "theirs.pth", "--data", "patterns:24").Error);
    }

    [Fact]
    public void Inspect_SaysWhatAFileIs()
    {
        Save("theirs.pth", ("module.", 1));
        Pictures("photos", 2);
        File.WriteAllText(Path.Combine(folder, "list.txt"), "photos/0.png\nphotos/1.png\n");
        File.WriteAllText(Path.Combine(folder, "page.pth"), "<!DOCTYPE html><html>");
        Assert.Equal(0, Moco.Run(folder, ["pretrain", "patterns", "--run", "run", "--steps", "1", "--set",
            .. Tiny]).ExitCode);
        Assert.Equal(0, Moco.Run(folder, "export", "run", "--format", "onnx", "-o", "a.onnx").ExitCode);
        Assert.Equal(0, Moco.Run(folder, "pack", "photos", "-o", "a.pack").ExitCode);
        foreach (var (file, said) in new[]
        {
            ("a.onnx", "architecture: resnet18, width 4, cifar stem"),
            ("a.onnx", "input: images  float32  [batch, 3, 32, 32]"),
            ("a.onnx", "output: features  float32  [batch, 32]"),
            ("a.onnx", "an ONNX model, format 8, opset 17, by MoCoSharp"),
            ("run/config.json", "the configuration of a run"),
            ("run/metrics.jsonl", "the metrics of a run"),
            ("run/environment.json", "the environment of a run"),
            ("run/views.png", "a PNG image"),
            ("list.txt", "a list of 2 images, without labels"),
            ("a.pack", "a packed set: 2 images"),
            ("page.pth", "an HTML page"),
            ("photos", "not a run, but images: 2"),
            ("theirs.pth", "as an encoder: a bare ResNet under state_dict.module.: ResNet-18"),
        })
        {
            var (code, output, error) = Moco.Run(folder, "inspect", file);
            Assert.True(code == 0, $"{file}: {error}");
            Assert.Contains(said, output);
        }
    }

    [Fact]
    public void AnOnnxFile_ThatIsChangedAnywhere_IsReadOrRefused()
    {
        Save("theirs.pth", ("", 1));
        Assert.Equal(0, Moco.Run(folder, "export", "theirs.pth", "--format", "onnx", "-o", "a.onnx").ExitCode);
        var whole = File.ReadAllBytes(Path.Combine(folder, "a.onnx"));
        var ends = whole[..20_000].Concat(whole[^3_000..]).ToArray();
        var random = new Random(1);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 3000; i++)
        {
            var changed = i % 2 == 0 ? ends.ToArray() : whole[..random.Next(1, 4000)];
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            try
            {
                OnnxModel.Read(new MemoryStream(changed), "a.onnx");
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith("a.onnx: is not an ONNX model", error.Message);
                refused++;
            }
        }

        Assert.True(refused > 1000, $"{read} were read, {refused} refused");
        Assert.Equal(
            ["images  float32  [batch, 3, 32, 32]"],
            OnnxModel.Read(new MemoryStream(whole), "a.onnx").Inputs);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static List<string> Result(string output) =>
        [
            .. output
                .Split('\n')
                .Where(line =>
                    line.StartsWith("top-1", StringComparison.Ordinal)
                    || line.StartsWith("[kNN", StringComparison.Ordinal)),
        ];

    private static string[] Quick() =>
        [
            "--set", "batchSize=8", "bnGroups=2", "moco.queueSize=8", "views.size=32", "threads=1", "loader.workers=1",
            "knn.everyEpochs=0", "optimizer.warmupSteps=0",
        ];

    // As a shell takes a command apart.
    private static string[] Words(string command)
    {
        using var shell = Process.Start(
            new ProcessStartInfo("sh", ["-c", $"printf '%s\\n' {command}"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            }
        )!;
        var said = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return said.TrimEnd('\n').Split('\n');
    }

    private void KillAfterAStep(string[] arguments)
    {
        using var process = Moco.Start(folder, arguments);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        while (process.StandardOutput.ReadLine() is { } line && !line.Contains("  step ", StringComparison.Ordinal))
        {
            // Until a step is done.
        }

        process.Kill();
        process.WaitForExit();
    }

    private string Hash(string file) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, file))));

    private void Pictures(string name, int count)
    {
        Directory.CreateDirectory(Path.Combine(folder, name));
        for (var i = 0; i < count; i++)
        {
            var pixels = new byte[3 * 40 * 40];
            new Random(i).NextBytes(pixels);
            File.WriteAllBytes(
                Path.Combine(folder, name, $"{i}.png"),
                ImageEncoder.Png(new ImageBuffer(40, 40, pixels)));
        }
    }

    private void Save(string file, params (string Prefix, ulong Seed)[] encoders) => Save(file, Small, encoders);

    private void Save(string file, EncoderOptions options, params (string Prefix, ulong Seed)[] encoders) =>
        Write(file, options, encoders, null);

    private void Save(string file, EncoderOptions options, (string Prefix, ulong Seed) encoder, string spoiled) =>
        Write(file, options, [encoder], spoiled);

    private void Write(string file, EncoderOptions options, (string Prefix, ulong Seed)[] encoders, string? spoiled)
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (prefix, seed) in encoders)
        {
            using var random = new Generator(seed);
            var encoder = new Encoder(options, 8, bnGroups: 1, random);
            foreach (var (name, value) in encoder.state_dict())
            {
                state[prefix + name] = name == spoiled ? full_like(value, float.NaN) : value.detach().clone();
            }
        }

        TorchFile.Write(Path.Combine(folder, file), new PickleDictionary { ["state_dict"] = state });
    }
}
