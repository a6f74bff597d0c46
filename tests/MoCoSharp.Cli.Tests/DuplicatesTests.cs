using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco duplicates, with names that a shell or a browser could take for commands.</summary>
public sealed class DuplicatesTests(DuplicatesTests.Trained made) : IClassFixture<DuplicatesTests.Trained>
{
    private const string Hostile = "<img src=x onerror=alert(1)>.png";

    private string Folder => made.Folder;

    [Fact]
    public void WithoutAnEncoder_ExactDuplicatesAreFound_AndTheScriptRemovesThem()
    {
        Photos("exact");
        var (code, output, error) = Moco.Run(
            Folder, "duplicates", "--data", "exact", "-o", "exact.json", "--commands", "exact.sh");

        Assert.True(code == 0, error);
        Assert.Contains("exact: 11 images, of which 1 cannot be read", output);
        Assert.Contains("3 images in 2 groups repeat another one: 2 the same file, 1 the same pixels", output);
        Assert.Contains("exact.sh: 3 commands to remove the repeated images; nothing was removed", output);
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "exact.json")))!;
        Assert.Equal(["broken.jpg"], json["data"]!["unread"]!.AsArray().Select(name => (string)name!));
        var groups = json["groups"]!.AsArray();
        Assert.Equal(["00.png", "03.png"], groups.Select(group => (string)group!["keep"]!["name"]!));
        Assert.Equal(
            [("it's a copy\n.png", "file"), ("more bytes.png", "pixels")],
            groups[1]!["others"]!.AsArray().Select(other => ((string)other!["name"]!, (string)other["kind"]!)));

        (code, _, error) = Moco.RunShell(Folder, "sh exact.sh");
        Assert.True(code == 0, error);
        (code, output, error) = Moco.Run(Folder, "duplicates", "--data", "exact");
        Assert.True(code == 0, error);
        Assert.Contains("exact: 8 images", output);
        Assert.Contains("no duplicates found", output);
    }

    [Fact]
    public void WithARun_SimilarImagesAreFoundToo_AsCsvAndAsAGallery()
    {
        Photos("similar");
        string[] command = ["duplicates", "run", "--data", "similar", "--threshold", "0.9999"];
        var (code, output, error) = Moco.Run(Folder, [.. command, "-o", "similar.csv"]);

        Assert.True(code == 0, error);
        Assert.Contains("pooled features of run (cosine 0.9999 or more)", output);
        Assert.Contains(
            "4 images in 3 groups repeat another one: 2 the same file, 1 the same pixels, 1 similar", output);
        var lines = File.ReadAllText(Path.Combine(Folder, "similar.csv")).Split('\n');
        Assert.Equal("group,name,kind,similarity,width,height,path", lines[0]);
        Assert.Contains("3,05.png,keep,1,40,40,similar/05.png", lines);
        Assert.Contains(lines, line => line.StartsWith("3,small change.png,similar,"));

        (code, _, error) = Moco.Run(Folder, [.. command, "-o", "similar.html"]);
        Assert.True(code == 0, error);
        var page = File.ReadAllText(Path.Combine(Folder, "similar.html"));
        Assert.Contains("&lt;img src=x onerror=alert(1)&gt;.png", page);
        Assert.DoesNotContain("<img src=x", page);
        Assert.Contains("it&#39;s a copy\\u000a.png", page);
        Assert.Equal(7, page.Split("<img src=\"data:image/jpeg;base64,").Length - 1);
    }

    [Fact]
    public void BetweenTwoSets_LeaksAreFound_AndTrainingImagesCanGo()
    {
        Photos("leaks/train");
        var test = new Patterns(4, 40, seed: 9);
        for (var i = 0; i < 4; i++)
        {
            Write($"leaks/val/{i}.png", ImageEncoder.Png(test.Read(i).Image));
        }

        File.Copy(Path.Combine(Folder, "leaks/train/03.png"), Path.Combine(Folder, "leaks/val/leak.png"));
        var (code, output, error) = Moco.Run(
            Folder, "duplicates", "run", "--data", "leaks", "--between", "leaks", "--threshold", "0.9999", "-o",
            "leaks.json");

        Assert.True(code == 0, error);
        // The same image, its copy of the same bytes, and one of the same pixels.
        Assert.Contains(
            "3 images of leaks/train and 1 of leaks/val have a counterpart in the other set: 2 the same file, 1 the " +
            "same pixels",
            output);
        Assert.Contains("rm -- leaks/train/03.png  # like leak.png", output);
        Assert.DoesNotContain("rm -- leaks/val", output);
        var pairs = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "leaks.json")))!["pairs"]!.AsArray();
        Assert.Equal(3, pairs.Count);
        Assert.All(pairs, pair => Assert.Equal("leak.png", (string)pair!["other"]!["name"]!));

        (code, output, error) = Moco.Run(Folder, "duplicates", "--data", "leaks/train", "--between", "leaks/val");
        Assert.True(code == 0, error);
        Assert.Contains("3 images of leaks/train and 1 of leaks/val have a counterpart", output);
    }

    [Fact]
    public void AThresholdThatConnectsEverything_IsReported_WithAHigherOne()
    {
        var images = new Patterns(30, 40, seed: 3);
        for (var i = 0; i < 30; i++)
        {
            Write($"many/{i:D2}.png", ImageEncoder.Png(images.Read(i).Image));
        }

        var (code, output, error) = Moco.Run(Folder, "duplicates", "run", "--data", "many", "--threshold", "0.01");

        Assert.True(code == 0, error);
        Assert.Contains("29 images in 1 group repeat another one: 29 similar", output);
        Assert.Contains("warning: One group connects 30 images, by chains of similar images", error);
        Assert.Contains("29 images without a command", output);
        Assert.DoesNotContain("rm --", output);
    }

    [Fact]
    public void WrongOptions_AreRefused_BeforeAnyWork()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "plain"));
        File.WriteAllText(Path.Combine(Folder, "there.csv"), "mine");
        var (code, _, error) = Moco.Run(
            Folder, "duplicates", "--data", "plain", "--threshold", "1.5", "-o", "x.txt", "--commands", "there.csv",
            "--size", "96");
        Assert.Equal(2, code);
        Assert.All(
            [
                "--threshold is 1.5, expected a number above 0, at most 1", "-o is x.txt, expected a file that ends in",
                "there.csv exists. Name another file with --commands", "name a run or an encoder",
                "--size: only with a run or an encoder. Name one, or leave these options out.",
            ],
            part => Assert.Contains(part, error));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Folder, "there.csv")));

        (code, _, error) = Moco.Run(Folder, "duplicates", "plain");
        Assert.Equal(2, code);
        Assert.Contains("plain is not a run folder. If it holds the images, write --data plain.", error);

        (code, _, error) = Moco.Run(Folder, "duplicates");
        Assert.Equal(2, code);
        Assert.Contains("--data is missing. Name the images", error);
    }

    /// <summary>Ten images: two groups of exact duplicates, one of similar images; and a broken file.</summary>
    private void Photos(string name)
    {
        var images = new Patterns(6, 40, seed: 5);
        for (var i = 0; i < 6; i++)
        {
            Write($"{name}/{i:D2}.png", ImageEncoder.Png(images.Read(i).Image));
        }

        var third = File.ReadAllBytes(Path.Combine(Folder, name, "03.png"));
        Write($"{name}/it's a copy\n.png", third);
        Write($"{name}/more bytes.png", [.. third, 0]);
        Write($"{name}/{Hostile}", File.ReadAllBytes(Path.Combine(Folder, name, "00.png")));
        var pixels = images.Read(5).Image.AsSpan().ToArray();
        pixels[0] ^= 1;
        Write($"{name}/small change.png", ImageEncoder.Png(new ImageBuffer(40, 40, pixels)));
        Write($"{name}/broken.jpg", "no image"u8.ToArray());
    }

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>A run of two steps.</summary>
    public sealed class Trained : IDisposable
    {
        public Trained()
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
