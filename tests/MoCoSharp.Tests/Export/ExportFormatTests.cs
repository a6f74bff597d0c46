using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Export;

/// <summary>What stands between an export and a file that is there.</summary>
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

        Assert.Equal(1e-6, new Fake(1e-6).Export(trained, withHead: false, path));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SafeTensors_ComeBackToTheBit(bool withHead)
    {
        var path = Path.Combine(folder, "a.safetensors");

        Assert.Equal(0, new SafeTensorsFormat().Export(trained, withHead, path));

        using var read = TrainedEncoder.Load(path);
        Assert.Equal(withHead ? EncoderHead.Mlp : EncoderHead.None, read.Encoder.Options.Head);
    }

    public void Dispose()
    {
        trained.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private sealed class Fake(double difference) : ExportFormat("fake")
    {
        protected override void Write(string path, TrainedEncoder trained, bool withHead) =>
            File.WriteAllText(path, "new");

        protected override double Difference(string path, TrainedEncoder trained, bool withHead) =>
            File.ReadAllText(path) == "new" ? difference : 1;
    }
}
