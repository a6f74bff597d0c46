using Microsoft.ML.OnnxRuntime;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Export;

/// <summary>Models run by ONNX Runtime, against the encoder and against torchvision.</summary>
public sealed class OnnxExportTests
{
    [Theory]
    [InlineData(10, 8, EncoderStem.Small, EncoderHead.Mlp)]
    [InlineData(18, 8, EncoderStem.ImageNet, EncoderHead.Mlp)]
    [InlineData(20, 8, EncoderStem.ImageNet, EncoderHead.None)]
    [InlineData(18, 8, EncoderStem.Cifar, EncoderHead.Linear)]
    [InlineData(34, 4, EncoderStem.Small, EncoderHead.None)]
    [InlineData(50, 8, EncoderStem.ImageNet, EncoderHead.Linear)]
    [InlineData(50, 4, EncoderStem.Small, EncoderHead.Mlp)]
    [InlineData(101, 2, EncoderStem.ImageNet, EncoderHead.None)]
    [InlineData(152, 2, EncoderStem.Cifar, EncoderHead.Mlp)]
    [InlineData(10, 4, EncoderStem.Small, EncoderHead.Mlp3Bn, 40)]
    public void EveryArchitecture_GivesTheEncodersOutputs(
        int depth, int width, EncoderStem stem, EncoderHead head, int? headWidth = null)
    {
        using var trained = Trained.New(
            new EncoderOptions { Depth = depth, Width = width, Stem = stem, Head = head, HeadWidth = headWidth });
        foreach (var (withHead, fold) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            using var model = Export(trained, withHead, fold);

            Assert.InRange(ExportCheck.Difference(trained, withHead, model.Run), 0, ExportCheck.Tolerance);
        }
    }

    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void OnTorchvisionsWeights_ItGivesTorchvisionsFeatures(int depth)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Open("resnet.safetensors"); // float64
        using var trained = Trained.New(
            new EncoderOptions { Depth = depth, Head = EncoderHead.Linear },
            outputSize: 1000,
            size: 64);
        Golden.Fill(trained.Encoder);
        var images = Golden.View(0, 0, float32, 2, 3, 64, 64);

        using var features = Export(trained, withHead: false, fold: true);
        using var logits = Export(trained, withHead: true, fold: false);

        Assert.InRange(Golden.Difference(features.Run(images), golden.Tensors[$"r{depth}.eval_features"]), 0, 1e-5);
        Assert.InRange(Golden.Difference(logits.Run(images), golden.Tensors[$"r{depth}.logits"]), 0, 1e-5);
    }

    [Fact]
    public void TheModel_SaysWhatItIsAndHowImagesArePrepared()
    {
        using var trained = Trained.New(
            new EncoderOptions
            {
                Depth = 18,
                Width = 8,
                Stem = EncoderStem.Cifar,
            },
            size: 40);
        var views = new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 40, Mean = [0.5f, 0.25f, 0.125f] };
        using var folded = Export(trained with { Views = views, Role = EncoderRole.Key }, withHead: true, fold: true);
        using var kept = Export(trained, withHead: false, fold: false);

        Assert.Equal("images [-1, 3, 40, 40]", folded.Input);
        Assert.Equal("embeddings [-1, 16]", folded.Output);
        Assert.Equal("features [-1, 64]", kept.Output);
        var expected = new Dictionary<string, string>
        {
            ["architecture"] = "resnet18, width 8, cifar stem",
            ["output"] = "embeddings 16",
            ["mean"] = "0.5,0.25,0.125",
            ["std"] = "0.2023,0.1994,0.201",
            ["resize"] = "40",
            ["size"] = "40",
            ["color"] = "RGB",
            ["encoder"] = "key",
            ["source"] = "a test",
            ["step"] = "7",
            ["opset"] = "17",
            ["batchNorm"] = "folded",
        };
        Assert.All(expected, item => Assert.Equal(item.Value, folded.Metadata[item.Key]));
        Assert.Contains("resize the shorter side to 40; center crop", folded.Metadata["preparation"]);
        Assert.Equal([("", 17L)], folded.Read().OperatorSets);
        Assert.DoesNotContain("BatchNormalization", folded.Read().NodeTypes);
        Assert.Equal(20, kept.Read().NodeTypes.Count(type => type == "BatchNormalization"));
    }

    [Fact]
    public void ImagesOfAnotherSize_AreRefused_AndBatchesOfAnySizeAreNot()
    {
        using var scope = NewDisposeScope();
        using var trained = Trained.New(new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small });
        using var model = Export(trained, withHead: false, fold: false);

        Assert.Equal([7, 32], model.Run(rand(7, 3, 32, 32)).shape);
        Assert.Contains("32", Assert.Throws<OnnxRuntimeException>(() => model.Run(rand(1, 3, 40, 40))).Message);
    }

    [Fact]
    public void TheSameEncoder_GivesTheSameBytes_AndLeavesNoTensors()
    {
        using var trained = Trained.New(new EncoderOptions { Depth = 18, Width = 4 });
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Assert.Equal(Bytes(trained, withHead: true, fold: true), Bytes(trained, withHead: true, fold: true));

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static Onnx Export(TrainedEncoder trained, bool withHead, bool fold) => new(Bytes(trained, withHead, fold));

    private static byte[] Bytes(TrainedEncoder trained, bool withHead, bool fold)
    {
        using var stream = new MemoryStream();
        OnnxExport.Write(stream, trained, withHead, fold);
        return stream.ToArray();
    }
}
