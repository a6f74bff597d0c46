using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Export;

/// <summary>The check that every exported file must pass.</summary>
public sealed class ExportFormatTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly TrainedEncoder trained = Trained.New(
        new EncoderOptions
        {
            Depth = 18,
            Width = 4,
            Stem = EncoderStem.Small,
        });

    [Fact]
    public void Difference_IsTheGreatestOfAll_AsAShareOfTheLargestFeature()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor Moved(Tensor images)
        {
            var features = trained.Encoder.Features(images);
            if (images.shape[0] == 3)
            {
                features[2, 5] += 0.25 * features.abs().max(); // one feature of one image of one batch
            }

            return features;
        }

        Assert.Equal(0.25, ExportCheck.Difference(trained, withHead: false, Moved), 1e-4);
        Assert.Equal(0, ExportCheck.Difference(trained, withHead: false, trained.Encoder.Features));
        Assert.Equal(0, ExportCheck.Difference(trained, withHead: true, trained.Encoder.call));
        Assert.Equal(
            double.NaN,
            ExportCheck.Difference(trained, withHead: false, images => trained.Encoder.Features(images) * float.NaN));
        Assert.Equal(double.PositiveInfinity, ExportCheck.Difference(trained, withHead: false, trained.Encoder.call));
    }

    [Theory]
    [InlineData(2e-5)]
    [InlineData(double.NaN)]
    public void AFileThatFails_NeverTakesThePlaceOfOneThatIsThere(double difference)
    {
        var path = Path.Combine(folder, "a");
        File.WriteAllText(path, "old");

        var error = Assert.Throws<InvalidDataException>(() =>
            new Fake(difference).Export(trained, withHead: false, path));

        Assert.StartsWith($"{path}: not written", error.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void AFileThatPasses_TakesThePlace()
    {
        var path = Path.Combine(folder, "a");
        File.WriteAllText(path, "old");

        Assert.Equal(1e-6, new Fake(1e-6).Export(trained, withHead: false, path).Difference);

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SafeTensors_ComeBackToTheBit(bool withHead)
    {
        var path = Path.Combine(folder, "a.safetensors");

        Assert.Equal(0, new SafeTensorsFormat().Export(trained, withHead, path).Difference);

        using var read = TrainedEncoder.Load(path);
        Assert.Equal(withHead ? EncoderHead.Mlp : EncoderHead.None, read.Encoder.Options.Head);
    }

    [Fact]
    public void EveryName_CreatesItsFormat()
    {
        var options = new ExportOptions { RunOnnx = (_, images) => trained.Encoder.Features(images) };

        Assert.All(ExportFormat.Names, name => Assert.Equal(name, ExportFormat.Create(name, options).Name));
        Assert.Contains(
            "Expected one of safetensors, onnx",
            Assert.Throws<ArgumentException>(() => ExportFormat.Create("keras")).Message);
        Assert.Contains(
            "Set ExportOptions.RunOnnx",
            Assert.Throws<ArgumentException>(() => ExportFormat.Create("onnx")).Message);
    }

    [Fact]
    public void AReport_SaysWhatTheFileHolds_AndHowToLoadIt()
    {
        var path = Path.Combine(folder, "a.onnx");
        var options = new ExportOptions
        {
            OnnxRuntime = "a runtime",
            RunOnnx = (_, images) => trained.Encoder.Features(images),
        };

        var report = ExportFormat.Create("onnx", options).Export(trained, withHead: false, path);

        Assert.Equal((path, "onnx", 0.0), (report.Path, report.Format, report.Difference));
        Assert.Equal(new FileInfo(path).Length, report.SizeBytes);
        Assert.Equal("features 32", report.Metadata["output"]);
        Assert.Equal("opset 17, run by a runtime on random images, one and three at a time", report.Check);
        Assert.Contains("import onnxruntime", report.Instructions);
    }

    [Fact]
    public void AClassifier_KeepsItsHead_WhereTheFormatTakesOne()
    {
        using var classifier = Trained.New(
            new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Linear },
            outputSize: 2) with { Classes = ["cat", "dog"] };

        var report = new SafeTensorsFormat().Export(classifier, withHead: false, Path.Combine(folder, "a"));

        Assert.Equal("logits 2", report.Metadata["output"]);
        Assert.False(new Detectron2Format().TakesHead(classifier, asked: false));
        Assert.Contains("is a classifier", Assert.Single(new OfficialFormat(null).Faults(classifier, true, "a")));
    }

    public void Dispose()
    {
        trained.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private sealed class Fake(double difference) : ExportFormat("fake")
    {
        internal override void Write(string path, TrainedEncoder trained, bool withHead) =>
            File.WriteAllText(path, "new");

        internal override double Difference(string path, TrainedEncoder trained, bool withHead) =>
            File.ReadAllText(path) == "new" ? difference : 1;
    }
}
