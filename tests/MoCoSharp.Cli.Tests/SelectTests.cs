using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco select: lists of images to label first.</summary>
public sealed class SelectTests(SelectTests.TinyRun made) : IClassFixture<SelectTests.TinyRun>
{
    private string Folder => made.Folder;

    [Theory]
    [InlineData("typical", "distance")]
    [InlineData("diverse", "distance")]
    [InlineData("random", "")]
    public void AList_NamesTheImagesOfTheTable_AndOtherVerbsReadIt(string rule, string figure)
    {
        var (code, output, error) = Moco.Run(
            Folder, "select", "run", "--data", "photos/train", "-n", "12", "--by", rule, "-o", $"{rule}.txt");
        Assert.True(code == 0, error);

        var lines = output.TrimEnd('\n').Split('\n');
        Assert.Equal(["#", .. figure.Length > 0 ? [figure] : Array.Empty<string>(), "image"], Words(lines[^14]));
        Assert.Equal($"{rule}.txt: 12 of 40 images, by {rule}, seed 0", lines[^1]);
        var named = lines[^13..^1].Select(line => Words(line)[^1]).ToList();
        var list = ImageList.Open(Path.Combine(Folder, $"{rule}.txt"));
        Assert.Equal(12, named.Distinct().Count());
        Assert.Equal(named.Select(name => $"photos/train/{name}"), Enumerable.Range(0, 12).Select(list.NameOf));
        Assert.All(Enumerable.Range(0, 12), i => Assert.Equal(
            list.NameOf(i).Split('/')[2], list.ClassNames[list.LabelOf(i)])); // the folder is the class

        (code, _, error) = Moco.Run(Folder, "embed", "run", "--data", $"{rule}.txt", "-o", $"{rule}.csv");
        Assert.True(code == 0, error);
        Assert.Equal(13, File.ReadAllLines(Path.Combine(Folder, $"{rule}.csv")).Length);
    }

    [Fact]
    public void LabeledImages_AreLeftOut_AlsoCopiesOfThem()
    {
        Select("-n", "10", "--by", "random", "--seed", "4", "-o", "labeled.txt");
        var labeled = ImageList.Open(Path.Combine(Folder, "labeled.txt"));
        var taken = Enumerable.Range(0, 10).Select(labeled.NameOf).ToHashSet();

        foreach (var rule in new[] { "typical", "diverse", "uncertain", "random" })
        {
            var output = Select("-n", "30", "--by", rule, "--labeled", "labeled.txt", "-o", $"{rule}-rest.txt");

            Assert.Contains("30 of 40 images", output);
            Assert.Contains("left out: 10 with labels", output);
            var rest = ImageList.Open(Path.Combine(Folder, $"{rule}-rest.txt"));
            Assert.Empty(Enumerable.Range(0, 30).Select(rest.NameOf).Intersect(taken));
        }

        var copy = Path.Combine(Directory.CreateDirectory(Path.Combine(Folder, "copies")).FullName, "copy.png");
        File.Copy(Path.Combine(Folder, labeled.NameOf(0)), copy, overwrite: true);
        Assert.Contains("left out: 1 with labels", Select("-n", "39", "--labeled", "copies"));
    }

    [Fact]
    public void TheSameSeed_WritesTheSameList()
    {
        Select("-n", "10", "--seed", "1", "-o", "one.txt");
        Select("-n", "10", "--seed", "1", "-o", "again.txt");

        Assert.Equal(
            File.ReadAllText(Path.Combine(Folder, "one.txt")), File.ReadAllText(Path.Combine(Folder, "again.txt")));
    }

    [Fact]
    public void AllFaults_AreToldAtOnce()
    {
        File.WriteAllText(Path.Combine(Folder, "there.txt"), "");

        var (code, _, error) = Moco.Run(
            Folder, "select", "run", "--data", "photos/train", "-n", "0", "--by", "typicl", "-o", "there.txt");
        Assert.Equal(2, code);
        Assert.All(
            [
                "-n is 0, expected a whole number above 0.",
                "--by is typicl, expected typical, diverse, uncertain or random. Did you mean typical?",
                "there.txt exists. Name another file with -o, or add --force to replace it.",
            ],
            fault => Assert.Contains(fault, error));

        (code, _, error) = Moco.Run(
            Folder, "select", "run", "--data", "photos/train", "-n", "41", "--by", "uncertain", "-o", "no/such.txt");
        Assert.Equal(2, code);
        Assert.All(
            ["-n is 41, expected at most 40", "--by uncertain needs the labels", "there is no folder no."],
            fault => Assert.Contains(fault, error));
        Assert.Equal("", File.ReadAllText(Path.Combine(Folder, "there.txt")));
    }

    [Fact]
    public void ImagesThatAreNotFiles_HaveATable_ButNoList()
    {
        var (code, output, error) = Moco.Run(
            Folder, "select", "run", "--data", "patterns:30", "-n", "3", "--by", "diverse");
        Assert.True(code == 0, error);
        Assert.Contains("3 of 30 images, by diverse", output);

        (code, _, error) = Moco.Run(Folder, "select", "run", "--data", "patterns:30", "-n", "3", "-o", "none.txt");
        Assert.Equal(2, code);
        Assert.Contains("has no image that a list can name", error);
    }

    private string Select(params string[] options)
    {
        var (code, output, error) = Moco.Run(Folder, ["select", "run", "--data", "photos/train", .. options]);
        Assert.True(code == 0, error);
        return output;
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A run of two steps, and its images.</summary>
    public sealed class TinyRun : IDisposable
    {
        public TinyRun()
        {
            var images = new Patterns(40, 40, 5);
            for (var i = 0; i < images.Count; i++)
            {
                var file = Path.Combine(
                    Folder, "photos", "train", images.ClassNames[images.LabelOf(i)], $"{i:D2}.png");
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
            }

            var (code, _, error) = Moco.Run(
                Folder,
                [
                    "pretrain", "patterns", "--data", "photos/train", "--run", "run", "--set",
                    .. Moco.Tiny.Split(' '), "knn.everyEpochs=0", "--steps", "2",
                ]);
            Assert.True(code == 0, error);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("moco").FullName;

        public void Dispose() => Directory.Delete(Folder, recursive: true);
    }
}
