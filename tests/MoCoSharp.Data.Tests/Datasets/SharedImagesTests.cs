using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class SharedImagesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Find_ImagesOfBothSets_AreNamedWhateverTheirNames()
    {
        temp.WriteImage("train/a.png", 1);
        temp.WriteImage("train/b.png", 2);
        temp.WriteImage("val/x.png", 3);
        temp.WriteImage("val/y.png", 2);

        Assert.Equal([(1, 1)], SharedImages.Find(ImageFolder.Open(temp["train"]), ImageFolder.Open(temp["val"])));
    }

    [Fact]
    public void Find_UnreadableFilesOfOneSize_AreNotTheSame()
    {
        temp.Write("train/a.png");
        temp.Write("val/a.png");

        Assert.Empty(SharedImages.Find(ImageFolder.Open(temp["train"]), ImageFolder.Open(temp["val"])));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links of Unix");
        temp.WriteImage("one/a.png");
        File.CreateSymbolicLink(temp["one/gone.png"], temp["nowhere"]);
        temp.WriteImage("two/b.png", 7);
        File.CreateSymbolicLink(temp["two/gone.png"], temp["nowhere"]);
        Assert.Empty(SharedImages.Find(ImageFolder.Open(temp["one"]), ImageFolder.Open(temp["two"])));
    }

    [Fact]
    public void Find_ImagesInMemory_AreComparedByTheirPixels() =>
        Assert.Equal(
            20,
            SharedImages
                .Find(DataSource.Open("patterns:20", null).Train, DataSource.Open("patterns:30", null).Train)
                .Count);
}
