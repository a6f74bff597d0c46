using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

public sealed class PackTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public PackTests()
    {
        var images = new Patterns(24, 40, seed: 5);
        for (var i = 0; i < images.Count; i++)
        {
            var file = Path.Combine(folder, "photos", images.ClassNames[images.LabelOf(i)], $"{i:D2}.png");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
        }

        File.WriteAllText(Path.Combine(folder, "photos", "rays", "broken.png"), "no image");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void APackedSet_IsTrainedOn_AndTheRunKeepsHowItWasMade()
    {
        var (code, output, error) = Moco.Run(folder, "pack", "photos", "-o", "set.moco", "--short-side", "32");
        Assert.True(code == 0, error);
        Assert.Contains("24 images", output);
        Assert.Contains("left out", error);
        Assert.Contains("broken.png", error);

        (code, _, error) = Moco.Run(folder, "pack", "photos", "-o", "set.moco", "--short-side", "-1");
        Assert.Equal(2, code);
        Assert.Contains("set.moco exists", error);
        Assert.Contains("--short-side is -1", error);

        (code, output, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "set.moco", "--run", "run",
                "--set", .. Moco.Tiny.Split(' '), "--steps", "2"]);
        Assert.True(code == 0, error);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "run", "config.json")))!;
        Assert.Equal("set.moco", (string)config["data"]!);
        Assert.Equal("raw pixels, short side at most 32, made of photos", (string)config["packed"]!);

        (code, output, error) = Moco.Run(folder, "bench", "data", "set.moco", "--recipe", "patterns", "--images", "12");
        Assert.True(code == 0, error);
        Assert.All(
            ["decode", "copy to tensor", "one core:", "workers on", "images/s"],
            part => Assert.Contains(part, output));
        Assert.DoesNotContain("broken", output);
    }

    [Fact]
    public void ADamagedSet_AndAnImpossibleDecoder_AreRefusedWithoutAStackTrace()
    {
        File.WriteAllBytes(Path.Combine(folder, "set.moco"), [.. "MOCOPACK"u8, .. new byte[100]]);
        var (code, _, error) = Moco.Run(folder, "pretrain", "--data", "set.moco");
        Assert.Equal(2, code);
        Assert.Contains("set.moco: the header is damaged", error);

        (code, _, error) = Moco.Run(
            folder, "pretrain", "--data", "photos", "--set", "loader.jpegDecoder=gpu", "loader.shuffleWindow=-1");
        Assert.Equal(2, code);
        Assert.Contains("loader.jpegDecoder is \"gpu\"", error);
        Assert.Contains("loader.shuffleWindow is -1", error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void TheEnvironment_NamesTheJpegDecoder()
    {
        var (code, output, error) = Moco.Run(folder, "inspect", "--environment");
        Assert.True(code == 0, error);
        Assert.Contains(ImageDecoder.TurboJpegLibrary ?? "SkiaSharp", (string)JsonNode.Parse(output)!["jpegDecoder"]!);
    }

    [Fact]
    public void TheEnvironment_ListsTheKernels_AndASwitchTurnsThemOff()
    {
        var (code, output, error) = Kernels("libtorch");
        Assert.True(code == 0, error);
        var kernels = JsonNode.Parse(output)!["kernels"]!.AsArray();
        Assert.Contains(kernels, kernel => (string)kernel!["name"]! == "softmax" && (string)kernel["replaces"]! != "");
        Assert.All(
            kernels,
            kernel => Assert.Equal("off: MOCOSHARP_KERNELS switches it off", (string)kernel!["state"]!));

        (code, output, error) = Kernels("-sofmax");
        Assert.Equal(2, code);
        Assert.Contains("Did you mean -softmax?", error);
        Assert.Equal("", output);

        (int ExitCode, string Output, string Error) Kernels(string switches) =>
            Moco.RunShell(
                folder,
                $"MOCOSHARP_KERNELS={switches} dotnet {Path.Combine(AppContext.BaseDirectory, "moco.dll")} inspect " +
                "--environment");
    }
}
