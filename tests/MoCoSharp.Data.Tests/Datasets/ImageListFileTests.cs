using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class ImageListFileTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void AWrittenList_NamesTheSameImages_InItsOrder_WithTheirClasses()
    {
        foreach (var name in new[] { "cat/a b.png", "cat/#1.png", "dog/x,y;z.png", "dog/l\u00e4uft \u202e.png" })
        {
            temp.WriteImage($"photos/{name}", 50);
        }

        var images = ImageFolder.Open(Path.Combine(temp.Path, "photos"));
        Directory.CreateDirectory(Path.Combine(temp.Path, "lists"));
        var list = Path.Combine(temp.Path, "lists", "first.txt");

        ImageListFile.Write(list, images, [3, 0, 2], "three\nimages");

        var read = ImageList.Open(list);
        Assert.Equal(["cat", "dog"], read.ClassNames);
        Assert.Equal(
            new[] { 3, 0, 2 }.Select(index => $"../photos/{images.NameOf(index)}"),
            Enumerable.Range(0, 3).Select(read.NameOf));
        Assert.Equal(
            new[] { 3, 0, 2 }.Select(images.LabelOf), Enumerable.Range(0, 3).Select(read.LabelOf));
        Assert.Equal(50, read.Read(1).Image.Pixels[0]);
        Assert.Equal("# three?images", File.ReadLines(list).First());
    }

    [Fact]
    public void AListBesideImagesWithoutClasses_ReadsNamesThatBeginWithAHash()
    {
        temp.WriteImage("#1.png", 50);
        temp.WriteImage("b.png", 60);
        var list = Path.Combine(temp.Path, "first.txt");

        ImageListFile.Write(list, ImageFolder.Open(temp.Path), [0, 1], "two");

        Assert.Equal(["./#1.png", "b.png"], Enumerable.Range(0, 2).Select(ImageList.Open(list).NameOf));
    }

    [Fact]
    public void ATabInAName_AndImagesThatAreNotFiles_AreRefused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "no tab in names there");
        temp.WriteImage("a\tb.png", 50);
        var images = ImageFolder.Open(temp.Path);
        var list = Path.Combine(temp.Path, "first.txt");

        Assert.False(ImageListFile.CanName(images, 0));
        Assert.False(ImageListFile.CanName(new Patterns(3, 40, seed: 1), 0));
        var error = Assert.Throws<ArgumentException>(() => ImageListFile.Write(list, images, [0], "one"));
        Assert.Contains("a list cannot name it", error.Message);
        Assert.Empty(Directory.GetFiles(temp.Path, "first*"));
    }
}
