using System.Globalization;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Export;

/// <summary>Files for torchvision, timm and detectron2, loaded by PyTorch as our instructions say.</summary>
public sealed class PyTorchFormatTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData(18, EncoderStem.ImageNet, EncoderHead.Mlp, false)]
    [InlineData(18, EncoderStem.ImageNet, EncoderHead.Linear, true)]
    [InlineData(18, EncoderStem.Cifar, EncoderHead.Mlp, true)]
    [InlineData(34, EncoderStem.Small, EncoderHead.None, false)]
    [InlineData(50, EncoderStem.ImageNet, EncoderHead.Mlp, false)]
    [InlineData(10, EncoderStem.Small, EncoderHead.Mlp, true)]
    [InlineData(20, EncoderStem.ImageNet, EncoderHead.None, false)]
    [InlineData(18, EncoderStem.Small, EncoderHead.Mlp3Bn, true, 40)]
    public void Torchvision_GivesTheEncodersOutputs(
        int depth, EncoderStem stem, EncoderHead head, bool withHead, int? headWidth = null)
    {
        using var trained = Trained.New(
            new EncoderOptions { Depth = depth, Stem = stem, Head = head, HeadWidth = headWidth });
        var format = new TorchvisionFormat();
        var name = OperatingSystem.IsWindows() ? "a 'b' é.pth" : "a \"b\" é.pth"; // no such quotes in names there

        Assert.Equal(0, format.Export(trained, withHead, Path.Combine(folder, name)).Difference);

        File.WriteAllLines(Path.Combine(folder, "load.py"), format.Loading(trained, withHead, name));
        Assert.All(
            Judged(trained, withHead, "torchvision_export.py", folder),
            difference => Assert.InRange(difference, 0, 1e-5));
    }

    [Theory]
    [InlineData(18, EncoderStem.ImageNet)]
    [InlineData(18, EncoderStem.Cifar)]
    public void AClassifier_LoadsIntoTorchvisionWithNumClasses_AndGivesTheSameLogits(int depth, EncoderStem stem)
    {
        using var trained = Trained.New(
            new EncoderOptions
            {
                Depth = depth,
                Stem = stem,
                Head = EncoderHead.Linear,
            },
            outputSize: 3
        ) with
        {
            Classes = ["cat", "\"dog\"", "é"],
        };
        var format = new TorchvisionFormat();
        Assert.Equal(0, format.Export(trained, withHead: true, Path.Combine(folder, "c.pth")).Difference);

        var lines = format.Loading(trained, withHead: true, "c.pth").ToList();

        Assert.Contains($"model = torchvision.models.resnet{depth}(num_classes=3)", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("model.fc"));
        File.WriteAllLines(
            Path.Combine(folder, "load.py"),
            [.. lines, "assert classes == ['cat', '\"dog\"', '\u00e9'], classes"]);
        Assert.All(
            Judged(trained, withHead: true, "torchvision_export.py", folder),
            difference => Assert.InRange(difference, 0, 1e-5));
        Assert.Contains("num_classes=3", string.Concat(new TimmFormat().Loading(trained, withHead: true, "c.pth")));
    }

    [Theory]
    [InlineData(18, 64)]
    [InlineData(50, 16)]
    public void Detectron2_GivesTheEncodersFeatures(int depth, int width)
    {
        using var trained = Trained.New(new EncoderOptions { Depth = depth, Width = width });

        var file = Path.Combine(folder, "encoder.pkl");
        Assert.Equal(0, new Detectron2Format().Export(trained, withHead: false, file).Difference);

        Assert.All(
            Judged(trained, withHead: false, "detectron2_export.py", folder, $"{depth}", $"{width}"),
            difference => Assert.InRange(difference, 0, 1e-5));
    }

    // With a queue in bf16, which official code has not.
    [Fact]
    public void Torch_TakesAWholeTrainingAlong_AndOfficialCodeResumesIt()
    {
        var config = new RunConfig
        {
            Encoder = new EncoderOptions { Depth = 18, Head = EncoderHead.Mlp },
            MoCo = new MoCoOptions { Dimension = 16, QueueSize = 48, QueuePrecision = Precision.Bf16 },
            Views = new ViewOptions { Size = 32 },
        };
        var run = RunFolder.Create(Path.Combine(folder, "run"), config);
        using (var method = MoCo.Create(config.Encoder, config.MoCo!, 1, seed: 3, SingleProcess.Instance))
        using (var optimizer = new Sgd(method.LearnedParameters, 0.9, 1e-4))
        {
            method.Queue.Resume(8);
            var progress = new TrainingProgress { Step = 25, Epoch = 2, Batch = 5, BatchesPerEpoch = 10 };
            TrainingState.Save(run.CheckpointPath(25), progress, method, optimizer, config);
        }

        var path = Path.Combine(folder, "official.pth.tar");
        using var trained = TrainedEncoder.Load(run.Path);
        var format = new OfficialFormat(OfficialCheckpoint.Find(run.Path));
        Assert.Equal(0, format.Export(trained, withHead: false, path).Difference);

        Assert.Contains(
            $"--resume {path} --moco-dim 16 --moco-k 48 --moco-m 0.999 --moco-t",
            format.Loading(trained, withHead: false, path).First());
        Assert.Contains("All keys matched", PyTorch.Run("official.py", "resume", path, "-", "zip", "1"));
        using var file = TorchFile.Read(path);
        Assert.Equal("2", $"{((PickleDictionary)file.Root)["epoch"]}");

        Assert.Null(OfficialCheckpoint.Find(path));
        using var alone = TrainedEncoder.Load(run.Path, EncoderRole.Key);
        Assert.Equal(0, new OfficialFormat(null).Export(alone, withHead: false, path).Difference);
        using var released = ForeignWeights.Read(path);
        Assert.Equal((16, false), (released.OutputSize, released.Key is not null));
    }

    [Fact]
    public void Instructions_NameTheLayersAndSettingsThatDiffer()
    {
        using var plain = Trained.New(new EncoderOptions { Depth = 18 });
        Assert.Equal(
            ["import timm", "model = timm.create_model(\"resnet18\", num_classes=0, checkpoint_path=\"e.pth\")"],
            new TimmFormat().Loading(plain, withHead: false, "e.pth"));
        Assert.Contains("    RES2_OUT_CHANNELS: 64", new Detectron2Format().Loading(plain, withHead: false, "e.pkl"));

        using var narrow = Trained.New(new EncoderOptions { Depth = 50, Width = 32 });
        Assert.Equal(
        [
            "MODEL:", "  WEIGHTS: \"e.pkl\"", "  PIXEL_MEAN: [123.675, 116.28, 103.53]",
            "  PIXEL_STD: [58.395, 57.12, 57.375]",
            "  BACKBONE:", "    FREEZE_AT: 0",
            "  RESNETS:", "    DEPTH: 50", "    NORM: \"SyncBN\"", "    STRIDE_IN_1X1: False",
            "    STEM_OUT_CHANNELS: 32", "    WIDTH_PER_GROUP: 32", "    RES2_OUT_CHANNELS: 128",
            "INPUT:", "  FORMAT: \"RGB\"",
        ], new Detectron2Format().Loading(narrow, withHead: false, "e.pkl"));

        using var small = Trained.New(
            new EncoderOptions
            {
                Depth = 18,
                Stem = EncoderStem.Small,
                Head = EncoderHead.Linear,
            });
        Assert.Equal(
        [
            "import timm, torch", "model = timm.create_model(\"resnet18\")",
            "model.conv1 = torch.nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)",
            "model.maxpool = torch.nn.Identity()",
            "model.fc = torch.nn.Linear(512, 16)", "timm.models.load_checkpoint(model, \"e.pth\")",
        ], new TimmFormat().Loading(small, withHead: true, "e.pth"));
    }

    [Fact]
    public void ADepthWithoutAName_IsBuiltFromItsBlocks()
    {
        using var plain = Trained.New(new EncoderOptions { Depth = 10 });
        Assert.Equal(
        [
            "import timm, torch",
            "model = timm.models.resnet.ResNet(timm.models.resnet.BasicBlock, [1, 1, 1, 1])",
            "model.fc = torch.nn.Identity()", "timm.models.load_checkpoint(model, \"e.pth\")",
        ], new TimmFormat().Loading(plain, withHead: false, "e.pth"));
        Assert.Contains(
            "model = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1])",
            new SafeTensorsFormat().Loading(plain, withHead: false, "e.safetensors"));
        Assert.Contains("model of your own", new OfficialFormat(null).Loading(plain, withHead: false, "e.pth").First());
        Assert.Contains(
            "has no ResNet-10", Assert.Single(new Detectron2Format().Faults(plain, withHead: false, "e.pkl")));
    }

    [Fact]
    public void WhatAToolCannotBuild_IsRefusedWithTheReason()
    {
        using var narrow = Trained.New(new EncoderOptions { Depth = 18, Width = 16, Stem = EncoderStem.Cifar });
        Assert.Contains("width 64", Assert.Single(new TorchvisionFormat().Faults(narrow, withHead: false, "e.pth")));
        Assert.Contains("width 64", Assert.Single(new TimmFormat().Faults(narrow, withHead: true, "e.pth")));
        Assert.Equal(4, new Detectron2Format().Faults(narrow, withHead: true, "e.pth").Count);
        Assert.Empty(new SafeTensorsFormat().Faults(narrow, withHead: true, "e"));

        using var fine = Trained.New(new EncoderOptions { Depth = 50, Width = 16 });
        Assert.Empty(new Detectron2Format().Faults(fine, withHead: false, "e.pkl"));
    }

    [Fact]
    public void Detectron2sNames_AreThoseOfMoCosConverter()
    {
        var expected = new Dictionary<string, string>
        {
            ["conv1.weight"] = "stem.conv1.weight",
            ["bn1.running_var"] = "stem.conv1.norm.running_var",
            ["layer1.0.conv1.weight"] = "res2.0.conv1.weight",
            ["layer4.2.bn3.bias"] = "res5.2.conv3.norm.bias",
            ["layer3.0.downsample.0.weight"] = "res4.0.shortcut.weight",
            ["layer3.0.downsample.1.running_mean"] = "res4.0.shortcut.norm.running_mean",
        };

        Assert.All(expected, name => Assert.Equal(name.Value, Detectron2Format.Rename(name.Key)));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // What PyTorch prints, given images and our outputs for them.
    private IEnumerable<double> Judged(TrainedEncoder trained, bool withHead, string script, params string[] arguments)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var images = Golden.View(0, 0, float32, 2, 3, 64, 64);
        var expected = withHead ? trained.Encoder.call(images) : trained.Encoder.Features(images);
        TorchFile.Write(
            Path.Combine(folder, "case.pth"),
            new PickleDictionary { { "images", images }, { "expected", expected } });
        return
        [
            .. PyTorch
                .Run(script, arguments)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => double.Parse(line, CultureInfo.InvariantCulture)),
        ];
    }
}
