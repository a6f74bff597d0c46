using MoCoSharp.Checkpoints;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Tests.Export;
using MoCoSharp.Training;
using TorchSharp;

namespace MoCoSharp.Tests;

/// <summary>The C# of docs/pytorch.md, run as it stands there.</summary>
public sealed class HowToTests : IDisposable
{
    private readonly string before = Environment.CurrentDirectory;
    private readonly TextWriter console = Console.Out;
    private readonly StringWriter said = new();
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public HowToTests()
    {
        Environment.CurrentDirectory = folder;
        Console.SetOut(said);
    }

    [Fact]
    public void AFile_IsLookedInto()
    {
        Save("checkpoint.pth.tar", "module.encoder_q.");

        using var file = TorchFile.Read("checkpoint.pth.tar");
        var checkpoint = (PickleDictionary)file.Root;
        var weight = (PickleTensor)((PickleDictionary)checkpoint["state_dict"])["module.encoder_q.conv1.weight"];
        Console.WriteLine($"epoch {checkpoint["epoch"]}: {weight.Tensor.norm().item<float>()}"); // tensors end with the file

        Assert.StartsWith("epoch 800: ", $"{said}");
    }

    [Fact]
    public void AReleasedCheckpoint_GivesFeatures()
    {
        Save("moco_v2_800ep_pretrain.pth.tar", "module.encoder_q.");
        Directory.CreateDirectory("photos");
        foreach (var (name, seed) in new[] { ("a", 1), ("b", 2), ("c", 1) })
        {
            var pixels = new byte[32 * 32 * 3];
            new Random(seed).NextBytes(pixels);
            using var image = new ImageBuffer(32, 32, pixels);
            File.WriteAllBytes($"photos/{name}.png", ImageEncoder.Png(image));
        }

        using var trained = TrainedEncoder.Load("moco_v2_800ep_pretrain.pth.tar");
        var view = ViewRecipes.Evaluation(trained.Views); // resize to 256, centre crop of 224, ImageNet's mean and std
        var photos = ImageFolder.Open("photos");
        using var features = FeatureExtractor.Extract(trained.Encoder, photos, view, FeatureLayer.Pooled, new LoaderOptions(), torch.CPU);
        var similar = features.Values.mv(features.Values[0]).argsort(descending: true); // of length 1: a product is the cosine
        Console.WriteLine($"most like {photos.NameOf(0)}: {photos.NameOf((int)similar[1].item<long>())}");

        Assert.Equal([3, 512], features.Values.shape);
        Assert.Equal((224, 256), (trained.Views.Size, view.Operations.OfType<Resize>().Single().ShortSide));
        Assert.Equal("most like a.png: c.png\n", $"{said}".ReplaceLineEndings("\n"));
    }

    public void Dispose()
    {
        Console.SetOut(console);
        Environment.CurrentDirectory = before;
        Directory.Delete(folder, recursive: true);
    }

    // As the released files are: legacy, one encoder with its head, the epoch.
    private static void Save(string path, string prefix)
    {
        using var trained = Trained.New(new EncoderOptions { Depth = 18, Head = "mlp" });
        using var scope = torch.NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (name, tensor) in EncoderFile.Weights(trained.Encoder, withHead: true))
        {
            state[prefix + name] = tensor;
        }

        TorchFile.Write(path, new PickleDictionary { ["epoch"] = 800, ["arch"] = "resnet18", ["state_dict"] = state }, TorchFormat.Legacy);
    }
}
