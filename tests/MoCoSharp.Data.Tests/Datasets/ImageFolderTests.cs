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
        foreach (var file in new[] { "b/1.png", "Z/deep/er/2.PNG", "a/3.png", "a-b/4.png", "ab/5.png" })
        {
            temp.WriteImage(file);
        }

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["Z", "a", "a-b", "ab", "b"], set.ClassNames);
        Assert.Equal(
            ["Z/deep/er/2.PNG", "a-b/4.png", "a/3.png", "ab/5.png", "b/1.png"],
            Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Equal([0, 2, 1, 3, 4], Enumerable.Range(0, set.Count).Select(set.LabelOf));
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
        foreach (
            var file in new[] { "a.JPG", "b.jpeg", "c.Png", "d.webp", "e.bmp", "f.gif", "g.txt", "h", "i.png.part" })
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
    public void ImageFolder_HiddenFilesAndFolders_TakeNoPartAndAreNamed()
    {
        foreach (var file in new[]
        {
            "cats/1.png", "dogs/1.png", ".ipynb_checkpoints/1-checkpoint.png", "cats/.ipynb_checkpoints/1.png",
            ".Trash-1000/files/old.png", "__MACOSX/cats/._1.png",
            "cats/._1.png", "@eaDir/1.png", ".thumbs/1.png", "$RECYCLE.BIN/1.png",
            "System Volume Information/1.png", "lost+found/1.png", "#recycle/1.png",
        })
        {
            temp.WriteImage(file);
        }

        temp.Write("Thumbs.db", 1);
        temp.Write(".DS_Store", 1);

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["cats/1.png", "dogs/1.png"], Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Equal(["cats", "dogs"], set.ClassNames);
        var notice = Assert.Single(set.Notices);
        Assert.Contains("11 hidden files and folders skipped: #recycle/, $RECYCLE.BIN/, .Trash-1000/", notice.Text);
        Assert.False(notice.IsWarning);
    }

    [Fact]
    public void ImageFolder_HiddenItself_IsReadAsAsked()
    {
        temp.WriteImage(".thumbs/1.png");

        Assert.Equal(1, ImageFolder.Open(temp[".thumbs"]).Count);
    }

    [Fact]
    public void ImageFolder_OnlyHiddenImages_SaysSo()
    {
        temp.WriteImage(".thumbs/1.png");

        Assert.Contains(
            "1 hidden folder skipped: .thumbs/",
            Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp.Path)).Message);
    }

    [Fact]
    public void ImageFolder_ImagesOfOtherKinds_AreCountedByEnding()
    {
        temp.WriteImage("a.png");
        foreach (var file in new[] { "b.HEIC", "c.heic", "d.CR2", "e.ppm", "f.avif", "g.txt", "h" })
        {
            temp.Write(file, 1);
        }

        var notice = Assert.Single(ImageFolder.Open(temp.Path).Notices);

        Assert.Contains(
            "5 image files of other kinds (.heic (2), .avif (1), .cr2 (1), .ppm (1)) skipped",
            notice.Text);
    }

    [Fact]
    public void ImageFolder_OtherNamesOfJpeg_AreRead()
    {
        foreach (var file in new[] { "a.jfif", "b.jpe", "c.JIF" })
        {
            File.Copy(Images.GoldenImages.PathOf("rgb-420.jpg"), temp[file]);
        }

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(3, set.Count);
        Assert.All(Enumerable.Range(0, 3), i => set.Read(i).Image.Dispose());
        Assert.Empty(set.Notices);
    }

    [Fact]
    public void ImageFolder_StrayImageBesideClassFolders_IsPassedOverWithAWarning()
    {
        foreach (var file in new[] { "cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png", "stray.png" })
        {
            temp.WriteImage(file);
        }

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["cats", "dogs"], set.ClassNames);
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, set.Count).Select(set.LabelOf));
        var notice = Assert.Single(set.Notices);
        Assert.True(notice.IsWarning);
        Assert.Contains("1 image beside the class folders (stray.png) skipped", notice.Text);
    }

    [Fact]
    public void ImageFolder_ManyImagesBesideFolders_AllTakePart_AndAWarningSaysThatThereAreNoClasses()
    {
        foreach (var file in new[] { "2019/1.png", "2020/1.png", "a.png", "b.png" })
        {
            temp.WriteImage(file);
        }

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal((4, 0), (set.Count, set.ClassNames.Count));
        Assert.Contains(
            "2 images (a.png, b.png) beside the folders 2019, 2020, which are therefore not used as classes",
            Assert.Single(set.Notices).Text);
    }

    [Fact]
    public void ImageFolder_FolderWithoutImages_IsNoClassAndIsNamed()
    {
        temp.WriteImage("cats/1.png");
        temp.WriteImage("dogs/1.png");
        Directory.CreateDirectory(temp["birds"]);

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["cats", "dogs"], set.ClassNames);
        Assert.Contains("1 folder without images: birds", Assert.Single(set.Notices).Text);
    }

    [Fact]
    public void ImageFolder_ClassesThatDifferInTheCaseOfLetters_AreTwoWithAWarning()
    {
        temp.WriteImage("cats/1.png");
        temp.WriteImage("Cats/1.png");
        Assert.SkipUnless(Directory.GetDirectories(temp.Path).Length == 2, "one folder there");

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(["Cats", "cats"], set.ClassNames);
        Assert.True(Assert.Single(set.Notices).IsWarning);
        Assert.Contains("Cats and cats differ only in the case of letters", set.Notices[0].Text);
    }

    [Theory]
    [InlineData("images/train/1.png", "images/val/1.png")]
    [InlineData("cats/train/1.png", "cats/test/2.png")]
    public void ImageFolder_PartsBelowOtherFolders_AreOneSetWithAWarning(params string[] files)
    {
        Array.ForEach(files, file => temp.WriteImage(file));

        var set = ImageFolder.Open(temp.Path);

        Assert.Equal(2, set.Count);
        Assert.Contains("all are used as one set", Assert.Single(set.Notices).Text);
        Assert.True(set.Notices[0].IsWarning);
    }

    [Fact]
    public void ImageFolder_ThatMayNotBeRead_IsRefusedWithWhatToDo()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "rights of Unix");
        temp.WriteImage("cats/1.png");
        temp.WriteImage("private/1.png");
        temp.WriteImage("lost+found/1.png");
        Process.Start("chmod", ["000", temp["private"], temp["lost+found"]]).WaitForExit();
        try
        {
            Assert.SkipWhen(MayList(temp["private"]), "this user may read everything");
            var message = Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp.Path)).Message;
            Assert.Contains($"the folder '{temp["private"]}'", message);
            Assert.Contains("chmod u+rx", message);
            Assert.DoesNotContain("lost+found", message);
        }
        finally
        {
            Process.Start("chmod", ["700", temp["private"], temp["lost+found"]]).WaitForExit();
        }

        static bool MayList(string folder)
        {
            try
            {
                return Directory.GetFileSystemEntries(folder).Length > 0;
            }
            catch (UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData("data_batch_1.bin", "cifar10:")]
    [InlineData("train-images-idx3-ubyte.gz", "idx:")]
    [InlineData("shard-000.tar", "shard-000.tar'")]
    [InlineData("photos.moco", "photos.moco")]
    [InlineData("photos.zip", "Unpack photos.zip")]
    [InlineData("IMG_1.HEIC", ".heic (1). Convert")]
    public void ImageFolder_ThatHoldsSomethingElse_SaysHowToGiveIt(string file, string told)
    {
        temp.Write(file, 1);

        Assert.Contains(told, Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp.Path)).Message);
    }

    [Fact]
    public void ImageFolder_MissingOrEmpty_SaysWhereAndWhatToDo()
    {
        temp.Write("empty/readme.txt", "no image");

        Assert.Contains(
            "no such folder",
            Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp["gone"])).Message);
        var error = Assert.Throws<DataSourceException>(() => ImageFolder.Open(temp["empty"]));
        Assert.Contains(temp["empty"], error.Message);
        Assert.Contains(".jpg", error.Message);
    }
}
