using System.Text.Json.Nodes;
using MoCoSharp.Cli.Searching;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco search, as a person uses it: photos with odd names, and a run of two steps.</summary>
public sealed class SearchTests(SearchTests.Photos made) : IClassFixture<SearchTests.Photos>
{
    private string Folder => made.Folder;

    [Fact]
    public void ATable_HasALineForEachNeighbor_AndFeaturesAreStoredInTheRun()
    {
        var (code, output, error) = Moco.Run(Folder, "search", "run", "--image", "photos/00.png", "01.png", "-k", "3");

        Assert.True(code == 0, error);
        var lines = output.TrimEnd('\n').Split('\n');
        Assert.Equal("query\trank\tsimilarity\tname", lines[0]);
        Assert.Equal(
            ["01.png\t1", "01.png\t2", "01.png\t3", "photos/00.png\t1", "photos/00.png\t2", "photos/00.png\t3"],
            lines[1..].Select(line => string.Join('\t', line.Split('\t')[..2])));
        Assert.DoesNotContain(lines, line => line.StartsWith("photos/00.png") && line.EndsWith("\t00.png"));
        Assert.DoesNotContain(lines, line => line.StartsWith("01.png") && line.EndsWith("\t01.png"));
        Assert.Single(Directory.GetFiles(Path.Combine(Folder, "run", "features"), "images-*.safetensors"));
        Assert.Contains("broken.jpg", error);
        Assert.Contains($"{Photos.Readable} images were searched; 1 image that could not be read is left out", error);

        var again = Moco.Run(
            Folder, "search", "run", "--data", "photos", "--image", "00.png", "01.png", "-k", "3", "-o", "a.json");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Contains("all features were stored", again.Output);
        var names = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "a.json")))!.AsArray()
            .SelectMany(query => query!["neighbors"]!.AsArray())
            .Select(neighbor => ((string)neighbor!["name"]!).Replace('\n', '?'));
        Assert.Equal(lines[1..].Select(line => line.Split('\t')[3]).Order(), names.Order());
    }

    [Fact]
    public void AFolderOfQueries_GivesEveryKindOfFile_WithNamesAsText()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such names");
        foreach (var ending in new[] { "html", "json", "csv", "png", "jpg" })
        {
            var (code, output, error) = Moco.Run(
                Folder, "search", "run", "--image", "photos", "-k", "2", "--with-itself", "-o", $"out.{ending}");
            Assert.True(code == 0, error);
            Assert.StartsWith($"out.{ending}: {Photos.Readable} queries, each with the 2 most similar", output);
            Assert.Contains("1 of the queries could not be read", output);
        }

        var page = File.ReadAllText(Path.Combine(Folder, "out.html"));
        Assert.DoesNotContain("<script", page);
        Assert.Contains("<bdi>photos/&lt;script&gt;.jpg</bdi>", page);
        Assert.Contains("<bdi>a&quot;b.png</bdi>", page);
        Assert.Contains("<bdi>two\\u000alines.png</bdi>", page);
        Assert.Contains("<bdi>\u05d0\u05d1.png</bdi>", page);
        Assert.DoesNotContain("http:", page);
        Assert.DoesNotContain("https:", page);

        var queries = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "out.json")))!.AsArray();
        Assert.Equal(Photos.Readable, queries.Count);
        var odd = queries.Single(query => (string)query!["query"]! == "photos/two\nlines.png")!["neighbors"]!;
        Assert.Equal("two\nlines.png", (string)odd[0]!["name"]!); // itself
        Assert.Equal(1, (double)odd[0]!["similarity"]!, 1e-5);
        Assert.Contains("\"photos/a\"\"b.png\",1,1.000000,\"a\"\"b.png\"\n", File.ReadAllText(
            Path.Combine(Folder, "out.csv")));

        foreach (var ending in new[] { "png", "jpg" })
        {
            using var sheet = ImageDecoder.ReadFile(Path.Combine(Folder, $"out.{ending}"));
            Assert.Equal((10 + 112 + 30 + 244, 71 + (167 * Photos.Readable)), (sheet.Width, sheet.Height));
        }
    }

    [Fact]
    public void WhatCannotBeDone_IsRefusedAtOnce_WithEveryFault()
    {
        File.WriteAllText(Path.Combine(Folder, "there.html"), "mine");
        var (code, _, error) = Moco.Run(
            Folder, "search", "run", "--image", "beach.jpg", "-k", "0", "-o", "x.gif", "--layer", "last", "--no-cache",
            "--cache", "here");
        Assert.Equal(2, code);
        Assert.All(
            [
                "--image beach.jpg: there is no such file or folder, and photos has no image of that name",
                "-k is 0", "-o is x.gif, expected a file that ends in .html, .json, .csv, .png or .jpg",
                "--layer is last", "Leave out --cache or --no-cache",
            ],
            part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(Folder, "search", "run", "--image", "00.png", "-o", "there.html");
        Assert.Equal(2, code);
        Assert.Contains("there.html exists. Name another file with -o, or add --force to replace it.", error);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Folder, "there.html")));

        (code, _, error) = Moco.Run(Folder, "search", "run", "-o", "no/x.png", "-k", "500", "--image", "00.png");
        Assert.Equal(2, code);
        Assert.Contains("there is no folder no", error);
        Assert.Contains("-k is 500, expected at most 100 for a .png file", error);

        (code, _, error) = Moco.Run(Folder, "search", "run", "--data", "photos");
        Assert.Equal(2, code);
        Assert.Contains("--image is missing", error);
        Assert.Empty(Directory.GetFiles(Folder, ".unfinished*"));
    }

    [Fact]
    public void AnEncoderFile_NeedsImages_AndKeepsFeaturesWhereItIsTold()
    {
        var (code, _, error) = Moco.Run(Folder, "search", "encoder.safetensors", "--image", "00.png");
        Assert.Equal(2, code);
        Assert.Contains("--data is missing", error);

        string[] words = ["search", "encoder.safetensors", "--data", "photos", "--image", "00.png", "-k", "1"];
        (code, var output, error) = Moco.Run(Folder, [.. words, "--cache", "mine"]);
        Assert.True(code == 0, error);
        var kept = Assert.Single(Directory.GetFiles(Path.Combine(Folder, "mine")));

        File.WriteAllText(kept, "torn");
        var torn = Moco.Run(Folder, [.. words, "--cache", "mine"]);
        Assert.Equal((0, output), (torn.ExitCode, torn.Output));
        Assert.Contains("Its features are computed again.", torn.Error);

        File.Delete(kept);
        Assert.Equal(output, Moco.Run(Folder, [.. words, "--no-cache"]).Output);
        Assert.Empty(Directory.GetFiles(Path.Combine(Folder, "mine")));
    }

    [Fact]
    public void CtrlC_Exits75()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Moco.Start(
            Folder, "search", "run", "--data", "patterns:100000", "--image", "photos/00.png", "--no-cache");
        while (process.StandardError.ReadLine() is { } line && !line.StartsWith("search: features of images"))
        {
        }

        Moco.Signal(process, "INT");

        Assert.Equal("", process.StandardOutput.ReadToEnd());
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);
    }

    [Theory]
    [InlineData("/var/cache/me", "/home/me", "/var/cache/me/mocosharp/features")]
    [InlineData("not/rooted", "/home/me", "/home/me/.cache/mocosharp/features")]
    [InlineData(null, "/home/me", "/home/me/.cache/mocosharp/features")]
    [InlineData(null, null, null)]
    public void TheCacheOfAUser_IsWhereXdgPutsIt(string? cache, string? home, string? expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "other systems have other folders");

        Assert.Equal(expected, CacheFolder.OfUser(name => name switch
        {
            "XDG_CACHE_HOME" => cache,
            "HOME" => home,
            _ => null,
        }));
    }

    /// <summary>Photos with odd names, a run of two steps on them, and its encoder in a file.</summary>
    public sealed class Photos : IDisposable
    {
        public Photos()
        {
            var images = new Patterns(20, 40, seed: 5);
            string[] odd = OperatingSystem.IsWindows()
                ? []
                : ["<script>.jpg", "a\"b.png", "two\nlines.png", "\u05d0\u05d1.png"];
            Directory.CreateDirectory(Path.Combine(Folder, "photos"));
            for (var i = 0; i < images.Count; i++)
            {
                using var image = images.Read(i).Image;
                File.WriteAllBytes(
                    Path.Combine(Folder, "photos", i < odd.Length ? odd[i] : $"{i - odd.Length:D2}.png"),
                    ImageEncoder.Png(image));
            }

            File.WriteAllText(Path.Combine(Folder, "photos", "broken.jpg"), "no image");
            Done([
                "pretrain", "patterns", "--data", "photos", "--run", "run", "--set", .. Moco.Tiny.Split(' '),
                "knn.everyEpochs=0", "--steps", "1",
            ]);
            Done(["export", "run", "--format", "safetensors", "-o", "encoder.safetensors"]);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("moco").FullName;

        public const int Readable = 20;

        public void Dispose() => Directory.Delete(Folder, recursive: true);

        private void Done(string[] arguments)
        {
            var (code, _, error) = Moco.Run(Folder, arguments);
            Assert.True(code == 0, error);
        }
    }
}
