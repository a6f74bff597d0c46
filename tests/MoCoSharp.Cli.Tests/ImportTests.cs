using System.Text;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Tests;

public sealed class ImportTests : IDisposable
{
    private const string Small = "batchSize=8 bnGroups=2 threads=1 loader.workers=1 knn.neighbours=5 epochs=3";

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void AnOfficialCheckpoint_BecomesARun_ThatIsEvaluatedAndResumed()
    {
        Save(withOptimizer: true);
        var (code, output, error) = Moco.Run(
            folder,
            ["import", "official.pth.tar", "--run", "run", "--data", "patterns:24", "--set", .. Small.Split(' ')]);
        Assert.True(code == 0, error);
        Assert.Contains("MoCo's official layout: ResNet-18 of width 4, cifar stem, mlp head to 8, 1 epochs", output);
        Assert.Contains("--resume --run run", output);

        (code, output, error) = Moco.Run(folder, "knn", "run");
        Assert.True(code == 0, error);
        Assert.Contains("top-1", output);

        (code, output, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--steps", "5");
        Assert.True(code == 0, error);
        Assert.Contains("resumed after step 3", output);
        Assert.Contains("5 steps", output);
    }

    [Fact]
    public void WeightsAlone_AreEvaluated_AndStartATraining_ButCannotBeResumed()
    {
        Save(withOptimizer: false);
        var (code, output, error) = Moco.Run(
            folder,
            ["import", "official.pth.tar", "--run", "run", "--set", .. Small.Split(' ')]);
        Assert.True(code == 0, error);
        Assert.Contains("missing for a resume: the optimizer's velocities", output);

        (code, output, error) = Moco.Run(folder, "knn", "run", "--data", "patterns:24");
        Assert.True(code == 0, error);
        Assert.Contains("top-1", output);

        // the file itself
        (code, output, error) = Moco.Run(folder, "knn", "official.pth.tar", "--data", "patterns:24", "-k", "5");
        Assert.True(code == 0, error);
        Assert.Contains("top-1", output);

        (code, output, error) = Moco.Run(folder, "linear", "run", "--data", "patterns:24", "--epochs", "1");
        Assert.True(code == 0, error);
        Assert.Contains("top-1", output);

        (code, output, error) = Moco.Run(folder, "embed", "run", "--data", "patterns:24", "-o", "features.npy");
        Assert.True(code == 0, error);
        Assert.Contains("24 x 32", output);

        foreach (
            var arguments in new[]
            {
                "knn official.pth.tar", "linear official.pth.tar", "embed official.pth.tar -o x.npy",
            })
        {
            (code, _, error) = Moco.Run(folder, arguments.Split(' ')); // a file names no images
            Assert.Equal(2, code);
            Assert.Contains("--data is missing", error);
        }

        (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run");
        Assert.Equal(2, code);
        Assert.Contains("velocities", error);
        Assert.Contains("initialWeights=run", error);

        foreach (var source in new[] { "run", "official.pth.tar" })
        {
            (code, output, error) = Moco.Run(
                folder,
                [
                    "pretrain", "patterns", "--run", $"new-{source}", "--steps", "1", "--set", .. Small.Split(' '),
                    "data=patterns:24",
                "encoder.width=4", "encoder.stem=cifar", "moco.dimension=8", "moco.queueSize=16",
                $"initialWeights={source}",
            ]);
            Assert.True(code == 0, error);
            Assert.Contains("initialized from", output);
        }

        (code, _, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "other", "--set", .. Small.Split(' '), "data=patterns:24",
                    "encoder.width=8",
                "initialWeights=run",
            ]);
        Assert.Equal(2, code);
        Assert.Contains("encoder.width 8", error);
    }

    [Fact]
    public void AnOnnxModel_IsImported_Evaluated_AndStartsATraining()
    {
        Save(withOptimizer: false);
        foreach (var (file, options) in new[] { ("kept.onnx", ""), ("folded.onnx", " --fold-bn") })
        {
            string[] export = ["export", "official.pth.tar", "--format", "onnx", "-o", file];
            Assert.Equal(0, Moco.Run(folder, [.. export, .. options.Split(' ')[1..]]).ExitCode);
        }

        var (code, output, error) = Moco.Run(
            folder, ["import", "kept.onnx", "--run", "run", "--set", .. Small.Split(' ')]);
        Assert.True(code == 0, error);
        Assert.Contains("an ONNX model by MoCoSharp: ResNet-18 of width 4, cifar stem, no head that fits", output);

        Assert.Contains("top-1", Moco.Run(folder, "knn", "run", "--data", "patterns:24").Output);

        // the file, and the weights that it was made of
        string Result(string file) => Moco.Run(folder, "knn", file, "--data", "patterns:24", "-k", "5")
            .Output.Split('\n').Single(line => line.StartsWith("top-1", StringComparison.Ordinal));
        Assert.Equal(Result("official.pth.tar"), Result("kept.onnx"));

        string[] training =
        [
            "--steps", "1", "--set", .. Small.Split(' '), "data=patterns:24", "encoder.width=4", "encoder.stem=cifar",
            "moco.dimension=8", "moco.queueSize=16",
        ];
        (code, output, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--run", "new", .. training, "initialWeights=kept.onnx"]);
        Assert.True(code == 0, error);
        Assert.Contains("initialized from kept.onnx, an ONNX model by MoCoSharp", output);
        Assert.DoesNotContain("BatchNorm", output);

        (code, output, error) = Moco.Run(folder, "inspect", "folded.onnx");
        Assert.True(code == 0, error);
        Assert.Contains("as an encoder: an ONNX model by MoCoSharp, BatchNorm folded into the convolutions", output);
        (code, output, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--run", "from-folded", .. training, "initialWeights=folded.onnx"]);
        Assert.True(code == 0, error);
        Assert.Contains("missing: the scales of BatchNorm", output);
    }

    [Fact]
    public void AFileThatWouldRunCode_IsNamedAndRefused()
    {
        File.WriteAllBytes(
            Path.Combine(folder, "evil.pth"),
            Encoding.Latin1.GetBytes("\u0080\u0002cposix\nsystem\nX\u0005\0\0\0touch\u0085R."));
        foreach (var verb in new[] { new[] { "inspect", "evil.pth" }, ["import", "evil.pth", "--run", "run"] })
        {
            var (code, _, error) = Moco.Run(folder, verb);
            Assert.Equal(1, code);
            Assert.Contains("evil.pth: at byte 2 of the pickle: it asks for posix.system", error);
            Assert.DoesNotContain("   at ", error);
        }

        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
    }

    [Fact]
    public void Inspect_ShowsAPyTorchFile()
    {
        Save(withOptimizer: true);
        var (code, output, error) = Moco.Run(folder, "inspect", "official.pth.tar");

        Assert.True(code == 0, error);
        Assert.All(
            [
                "epoch: 1", "arch: resnet18", "state_dict/module.queue  Float32  [8, 16]",
                "optimizer/param_groups/0/lr: 0.01", "legacy format",
            ],
            part => Assert.Contains(part, output));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Save(bool withOptimizer)
    {
        var config = new RunConfig
        {
            Encoder = new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Cifar, Head = EncoderHead.Mlp },
            MoCo = new MoCoOptions { Dimension = 8, QueueSize = 16 },
        };
        using var scope = NewDisposeScope();
        using var method = MoCo.Create(config.Encoder, config.MoCo!, 1, 0, SingleProcess.Instance);
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 1e-4);
        var path = Path.Combine(folder, "official.pth.tar");
        if (withOptimizer)
        {
            OfficialCheckpoint.Write(path, 1, method, optimizer, config, 0.01, TorchFormat.Legacy);
        }
        else
        {
            TorchFile.Write(
                path,
                new PickleDictionary { ["epoch"] = 1, ["state_dict"] = OfficialCheckpoint.State(method) });
        }
    }
}
