using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco export, for a run of two steps.</summary>
public sealed class ExportTests(ExportTests.ShortRun run) : IClassFixture<ExportTests.ShortRun>
{
    private string Folder => run.Folder;

    [Theory]
    [InlineData("onnx", "features 32")]
    [InlineData("onnx --fold-bn", "features 32")]
    [InlineData("onnx --head --encoder key", "embeddings 8")]
    [InlineData("safetensors", "features 32")]
    [InlineData("safetensors --head --encoder key", "embeddings 8")]
    [InlineData("torch", "embeddings 8")]
    public void EachFormat_IsWrittenAndChecked(string options, string output)
    {
        var file = options.Replace(' ', '_');
        var (code, said, error) = Moco.Run(Folder, ["export", "run", "-o", file, "--format", .. options.Split(' ')]);

        Assert.True(code == 0, error);
        Assert.Empty(error);
        Assert.Contains(
            "run, step 2: " + (options.Contains("key") ? "key" : "query") + " encoder, resnet18, width 4, small stem",
            said);
        Assert.Contains($"MB, {output}", said);
        Assert.Contains(
            options.StartsWith("onnx") ? $"onnxruntime.InferenceSession(\"{file}\")"
            : options.StartsWith("safetensors") ? $"safetensors.torch.load_file(\"{file}\")"
            : $"main_lincls.py -a resnet18 --pretrained {file}", said);
        Assert.Matches(
            options.StartsWith("onnx")
                ? "opset 17, run by ONNX Runtime 1.*the greatest difference is"
                : "reloaded.*the greatest difference is 0 of",
            said);
        Assert.Equal(options == "torch", said.Contains("both encoders, queue and velocities compared bit by bit"));
        Assert.True(new FileInfo(Path.Combine(Folder, file)).Length > 100_000);
        Assert.Empty(Directory.GetFiles(Folder, "*.unproven*"));
    }

    [Fact]
    public void AnExportedEncoder_CanBeExportedAgain()
    {
        Assert.Equal(0, Moco.Run(Folder, "export", "run", "--format", "safetensors", "-o", "a.safetensors").ExitCode);
        var (code, said, error) = Moco.Run(Folder, "export", "a.safetensors", "--format", "onnx", "-o", "a.onnx");
        Assert.True(code == 0, error);
        Assert.Contains("run, step 2", said);

        (code, _, error) = Moco.Run(Folder, "export", "a.safetensors", "--format", "onnx", "-o", "b.onnx", "--head");
        Assert.Equal(2, code);
        Assert.Contains("has no head", error);
    }

    [Fact]
    public void WrongOptions_AreReportedTogether_AndNoFileIsWritten()
    {
        var (code, _, error) = Moco.Run(
            Folder, "export", "nowhere", "--format", "safetensors", "--fold-bn", "-o", "missing/a");
        Assert.Equal(2, code);
        Assert.All(["nowhere", "there is no folder", "--fold-bn is for onnx"], part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(Folder, "export", "run", "--format", "torchvision", "-o", "a.pth");
        Assert.Equal(2, code);
        Assert.Contains("width 64", error);
        Assert.False(File.Exists(Path.Combine(Folder, "a.pth")));

        (code, _, error) = Moco.Run(Folder, "export", "run", "--format", "keras", "-o", "a");
        Assert.Equal(2, code);
        Assert.Contains("onnx", error);

        File.WriteAllText(Path.Combine(Folder, "text.safetensors"), "not an encoder, and no tensors");
        (code, _, error) = Moco.Run(Folder, "export", "text.safetensors", "--format", "onnx", "-o", "text.onnx");
        Assert.Equal(1, code);
        Assert.StartsWith("moco: text.safetensors: ", error);
        Assert.DoesNotContain("   at ", error);
        Assert.False(File.Exists(Path.Combine(Folder, "text.onnx")));
    }

    [Fact]
    public void WeightsThatAreNotFinite_AreNotExported()
    {
        var checkpoint = RunFolder.Open(Path.Combine(Folder, "run")).Checkpoints()[0];
        using (var file = SafeTensors.Read(checkpoint))
        using (var broken = File.Create(Path.Combine(Folder, "nan.safetensors")))
        {
            file.Tensors["encoder_q.layer4.1.bn2.bias"].fill_(float.NaN);
            SafeTensors.Write(broken, [.. file.Tensors.Select(item => (item.Key, item.Value))], file.Metadata);
        }

        var (code, _, error) = Moco.Run(Folder, "export", "nan.safetensors", "--format", "onnx", "-o", "nan.onnx");

        Assert.Equal(1, code);
        Assert.Contains("NaN or infinite values in encoder_q.layer4.1.bn2.bias", error);
        Assert.Empty(Directory.GetFiles(Folder, "nan.onnx*"));
    }

    [Fact]
    public async Task TheServiceOfTheDocs_GivesTheEncodersFeatures()
    {
        Assert.Equal(0, Moco.Run(Folder, "export", "run", "--format", "onnx", "-o", "service.onnx").ExitCode);
        var image = new Patterns(1, 45, seed: 5).Read(0).Image;
        using var service = await Service.Start(Path.Combine(Folder, "service.onnx"));

        var found = await service.Features(ImageEncoder.Png(image));

        using var trained = TrainedEncoder.Load(Path.Combine(Folder, "run"));
        var view = ViewRecipes.Evaluation(trained.Views);
        var pixels = new float[3 * view.Size * view.Size];
        var random = default(SampleRandom);
        view.Write(image, ref random, pixels);
        using var images = HostMemory.Images(pixels, 1, view.Size, TorchSharp.torch.CPU);
        using var expected = trained.Encoder.Features(images);
        Assert.Equal(32, found.Length);
        var largest = found.Max(Math.Abs);
        Assert.All(
            found.Zip(HostMemory.Floats(expected)),
            pair => Assert.Equal(pair.Second, pair.First, 1e-5 * largest));
        Assert.Equal("400", await service.StatusOf("not an image"u8.ToArray()));
    }

    /// <summary>A folder with "run" in it.</summary>
    public sealed class ShortRun : IDisposable
    {
        public ShortRun()
        {
            var (code, _, error) = Moco.Run(
                Folder,
                [
                    "pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:24",
                    "knn.everyEpochs=0", "--steps", "2",
                ]);
            Assert.True(code == 0, error);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("moco").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
