using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>Features that one command keeps for the next one.</summary>
public sealed class FeatureCacheTests(SelectTests.TinyRun made) : IClassFixture<SelectTests.TinyRun>
{
    private readonly Patterns _pictures = new(40, 40, seed: 6);

    private string Folder => made.Folder;

    [Theory]
    [InlineData("select -n 3 --by diverse")]
    [InlineData("map --by pca")]
    [InlineData("duplicates --threshold 0.999")]
    public void TheSecondCall_ComputesOnlyAddedAndChangedPhotos(string command)
    {
        var photos = $"photos of {command}";
        for (var i = 0; i < 6; i++)
        {
            Put(photos, $"{i}.png", i);
        }

        var first = Run(command, photos);
        Assert.Null(first.Kept);
        var second = Run(command, photos);
        Assert.Equal(("features of 6 of 6 images", first.Written), (second.Kept, second.Written));
        var without = Run(command, photos, "--no-cache");
        Assert.Null(without.Kept);
        Assert.Equal(first.Written, without.Written);

        Put(photos, "added.png", 7);
        Assert.Equal("features of 6 of 7 images", Run(command, photos).Kept);
        Put(photos, "3.png", 8);
        Assert.Equal("features of 6 of 7 images", Run(command, photos).Kept);

        Assert.Null(Run(command, photos, "--encoder", "key").Kept);
    }

    [Fact]
    public void OneCommand_TakesWhatAnotherOneKept_ButNotOfOtherSettings()
    {
        for (var i = 0; i < 5; i++)
        {
            Put("shared", $"{i}.png", i);
        }

        var (code, _, error) = Moco.Run(
            Folder, "search", "run", "--data", "shared", "--image", "0.png", "--cache", "of shared");
        Assert.True(code == 0, error);

        Assert.Equal("features of 5 of 5 images", Run("map --by pca", "shared").Kept);
        Assert.Equal("features of 5 of 5 images", Run("select -n 2", "shared").Kept);
        Assert.Single(Directory.GetFiles(Path.Combine(Folder, "of shared")));
        Assert.Null(Run("select -n 2", "shared", "--exif-orientation").Kept);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(Folder, "of shared")).Length);

        (code, _, error) = Moco.Run(
            Folder, "map", "run", "--data", "shared", "-o", "x.csv", "--cache", "here", "--no-cache");
        Assert.Equal(2, code);
        Assert.Contains("Leave out --cache or --no-cache", error);
    }

    [Fact]
    public void LabeledPhotos_AreFoundAmongThePhotosToChooseFrom()
    {
        for (var i = 0; i < 6; i++)
        {
            Put("pool", $"{i}.png", i);
        }

        File.WriteAllText(Path.Combine(Folder, "labeled.txt"), "pool/1.png\npool/4.png\n");

        var (code, output, error) = Moco.Run(
            Folder, "select", "run", "--data", "pool", "-n", "4", "--labeled", "labeled.txt", "--cache", "of pool");

        Assert.True(code == 0, error);
        Assert.Contains("4 of 6 images", output);
        Assert.Contains("note: features of 2 of 2 images were kept in of pool.", error);
    }

    private void Put(string photos, string name, int picture)
    {
        using var image = _pictures.Read(picture).Image;
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(Folder, photos)).FullName, name);
        File.WriteAllBytes(path, ImageEncoder.Png(image));
    }

    // What was kept, and what the command wrote.
    private (string? Kept, string Written) Run(string command, string photos, params string[] more)
    {
        var words = command.Split(' ');
        string[] cache = more.Contains("--no-cache") ? [] : ["--cache", $"of {photos}"];
        var file = $"{words[0]}.{(words[0] == "select" ? "txt" : "csv")}";
        var (code, _, error) = Moco.Run(
            Folder, [words[0], "run", "--data", photos, .. words[1..], .. more, .. cache, "-o", file, "--force"]);
        Assert.True(code == 0, error);
        var note = error.Split('\n').SingleOrDefault(line => line.Contains("were kept in"));
        var written = File.ReadAllLines(Path.Combine(Folder, file)).Where(line => !line.StartsWith('#'));
        return (note?.Replace("moco: note: ", "").Split(" were ")[0], string.Join('\n', written));
    }
}
