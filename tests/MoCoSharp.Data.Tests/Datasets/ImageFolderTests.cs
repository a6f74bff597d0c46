using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void ImageFolder_SortsClassesByOrdinalName()
    {
        foreach (var file in new[] { "b/1.png", "Z/deep/er/2.PNG", "a/3.png", "a-b/4.png" })
        {
            temp.WriteImage(file);
        }

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["Z", "a", "a-b", "b"], set.ClassNames);
        Assert.Equal(["Z/deep/er/2.PNG", "a-b/4.png", "a/3.png", "b/1.png"], Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Equal([0, 2, 1, 3], Enumerable.Range(0, set.Count).Select(set.LabelOf));
    }

    [Fact]
    public void ImageFolder_ReadsPixelsAndLabel()
    {
        temp.WriteImage("dark/1.png", 10);
        temp.WriteImage("light/1.png", 200);

        var (image, label) = ImageFolder.Open(temp.Path).Read(1);

        Assert.Equal(1, label);
        Assert.All(image.Pixels, value => Assert.Equal(200, value));
    }

    [Theory]
    [InlineData("1.png", "2.png")]
    [InlineData("only/1.png", "only/2.png")]
    [InlineData("a/1.png", "b/2.png", "stray.png")]
    public void ImageFolder_WithoutTwoFullClassFolders_HasNoLabels(params string[] files)
    {
        Array.ForEach(files, file => temp.WriteImage(file));

        var set = ImageFolder.Open(temp.Path);

        Assert.Empty(set.ClassNames);
        Assert.All(Enumerable.Range(0, set.Count), i => Assert.Equal(-1, set.LabelOf(i)));
    }

    [Fact]
    public void ImageFolder_KnowsItsExtensionsInAnyCase_AndLeavesOtherFilesOut()
    {
        foreach (var file in new[] { "a.JPG", "b.jpeg", "c.Png", "d.webp", "e.bmp", "f.gif", "g.txt", "h", "i.png.part" })
        {
            temp.Write(file, 1);
        }

        Assert.Equal(6, ImageFolder.Open(temp.Path).Count);
    }

    [Fact]
    public void ImageFolder_DirectoryNamedLikeAnImage_IsSkippedByNameAndWalked()
    {
        temp.WriteImage("x.png/inner.png");

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal("x.png/inner.png", set.NameOf(0));
        Assert.StartsWith("x.png:", Assert.Single(set.Skipped));
    }

    [Fact]
    public void ImageFolder_DanglingLinkAndPipe_AreEntriesFoundBrokenOnReading()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "pipes and links of Unix");
        File.CreateSymbolicLink(temp["a.png"], temp["gone.png"]);
        Process.Start("mkfifo", temp["b.png"]).WaitForExit();

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(2, set.Count);
        Assert.Throws<BrokenImageException>(() => set.Read(0));
        Assert.Throws<BrokenImageException>(() => set.Read(1));
    }

    [Fact]
    public void ImageFolder_BackslashInAName_IsPartOfTheNameOnUnix()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a separator there");
        temp.WriteImage("a\\b.png");

        Assert.Equal(4, ImageFolder.Open(temp.Path).Read(0).Image.Width);
    }

    [Fact]
    public void ImageFolder_CirclesOfLinks_EndAndAreNamed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        temp.WriteImage("a/1.png");
        temp.WriteImage("b/2.png");
        Directory.CreateSymbolicLink(temp["a/up"], "..");
        Directory.CreateSymbolicLink(temp["b/self"], temp["b"]);

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["a/1.png", "b/2.png"], Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Equal(2, set.Skipped.Count);
    }

    [Fact]
    public void ImageFolder_FoldersLinkedToEachOther_End()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        temp.WriteImage("a/1.png");
        temp.WriteImage("b/2.png");
        Directory.CreateSymbolicLink(temp["a/other"], temp["b"]);
        Directory.CreateSymbolicLink(temp["b/other"], temp["a"]);

        Assert.Equal(4, ImageFolder.Open(temp.Path).Count);
    }

    [Fact]
    public void ImageFolder_ClassFoldersThatAreLinks_AreFollowed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        temp.WriteImage("all/cat/1.png");
        temp.WriteImage("all/dog/2.png");
        Directory.CreateDirectory(temp["subset"]);
        Directory.CreateSymbolicLink(temp["subset/cat"], temp["all/cat"]);
        Directory.CreateSymbolicLink(temp["subset/dog"], temp["all/dog"]);

        Assert.Equal(["cat", "dog"], ImageFolder.Open(temp["subset"]).ClassNames);
    }

    [Fact]
    public void ImageFolder_MissingOrEmpty_SaysWhereAndWhatToDo()
    {
        temp.Write("empty/readme.txt", "no image");

        Assert.Contains("no such folder", Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp["gone"])).Message);
        var error = Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp["empty"]));
        Assert.Contains(temp["empty"], error.Message);
        Assert.Contains(".jpg", error.Message);
    }
}
