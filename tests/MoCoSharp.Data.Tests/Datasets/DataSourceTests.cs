using System.Formats.Tar;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class DataSourceTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("train", "val")]
    [InlineData("train", "test")]
    [InlineData("train", "valid")]
    [InlineData("train", "validation")]
    [InlineData("train", "dev")]
    [InlineData("train", "eval")]
    [InlineData("Train", "Test")]
    [InlineData("TRAIN", "VALID")]
    [InlineData("training", "testing")]
    [InlineData("train2017", "val2017")]
    public void DataSource_FolderWithTwoParts_ServesBoth(string first, string second)
    {
        Classes(first, "a", "b");
        Classes(second, "a", "b");

        var (train, validation) = DataSource.Open(temp.Path, null);

        Assert.EndsWith(first, train.Description);
        Assert.EndsWith(second, validation!.Description);
        Assert.Equal(["a", "b"], train.ClassNames);
    }

    [Fact]
    public void DataSource_FolderWithThreeParts_SaysWhichIsTakenAndWhatIsLeft()
    {
        foreach (var part in new[] { "train", "test", "valid", "extra" })
        {
            Classes(part, "a", "b");
        }

        var (_, validation) = Open(temp.Path, out var notices);

        Assert.EndsWith("valid", validation!.Description);
        Assert.Contains(
            notices,
            notice =>
                notice.Text.Contains($"valid is used for validation, not test. --val {temp["test"]} uses the other."));
        Assert.Contains(notices, notice => notice.Text.EndsWith("are skipped: extra"));
    }

    [Fact]
    public void DataSource_FolderAroundTheParts_IsLookedInto()
    {
        Classes("set/set/train", "a", "b");
        Classes("set/set/val", "a", "b");

        Assert.EndsWith("train", DataSource.Open(temp.Path, null).Train.Description);
    }

    [Fact]
    public void DataSource_PartToJudgeByWithoutImages_IsPassedOverForTheNext()
    {
        Classes("train", "a", "b");
        Classes("test", "a", "b");
        Directory.CreateDirectory(temp["val"]);

        var (_, validation) = Open(temp.Path, out var notices);

        Assert.EndsWith("test", validation!.Description);
        Assert.Contains("val: holds no validation images", Assert.Single(notices).Text);
    }

    [Theory]
    [InlineData("val", "test")]
    [InlineData("Train", "train", "val")]
    [InlineData("train", "Val", "val")]
    [InlineData("valid", "validation")]
    public void DataSource_PartsOfWhichNoneIsClearlyTheFirst_AreRefusedAndNoClasses(params string[] parts)
    {
        foreach (var part in parts)
        {
            Classes(part, "a", "b");
        }

        Assert.SkipUnless(Directory.GetDirectories(temp.Path).Length == parts.Length, "case does not count there");
        Assert.Contains("--data", Assert.Throws<DataSourceException>(() => DataSource.Open(temp.Path, null)).Message);
    }

    [Fact]
    public void DataSource_TestFolderBesideTheClassesThatItHolds_IsRefused()
    {
        Classes(".", "cats", "dogs");
        Classes("test", "cats", "dogs");

        Assert.Contains(
            "test is named like a part of a set",
            Assert.Throws<DataSourceException>(() => DataSource.Open(temp.Path, null)).Message);
    }

    [Fact]
    public void DataSource_ClassWithoutImagesInThePartToJudgeBy_KeepsTheNumbers()
    {
        Classes("train", "birds", "cats", "dogs");
        Classes("val", "birds", "dogs");
        Directory.CreateDirectory(temp["val/cats"]);

        var (train, validation) = Open(temp.Path, out var notices);

        Assert.Equal(train.ClassNames, validation!.ClassNames);
        Assert.Equal([0, 2], Enumerable.Range(0, validation.Count).Select(validation.LabelOf));
        Assert.Equal(2, validation.Read(1).Label);
        Assert.Contains(notices, notice => notice.Text.Contains("has no image of cats"));
    }

    [Fact]
    public void DataSource_OneClassInThePartToJudgeBy_KeepsItsNumber()
    {
        Classes("train", "cats", "dogs");
        Classes("val", "dogs");

        var (_, validation) = DataSource.Open(temp.Path, null);

        Assert.Equal(["cats", "dogs"], validation!.ClassNames);
        Assert.Equal(1, validation.LabelOf(0));
    }

    [Fact]
    public void DataSource_ClassWithoutImagesInTheTrainingPart_IsAClassOfBoth()
    {
        Classes("train", "cats", "dogs");
        Directory.CreateDirectory(temp["train/birds"]);
        Classes("val", "birds", "cats", "dogs");

        var (train, validation) = Open(temp.Path, out var notices);

        Assert.Equal(["birds", "cats", "dogs"], train.ClassNames);
        Assert.Equal([1, 2], Enumerable.Range(0, train.Count).Select(train.LabelOf));
        Assert.Equal([0, 1, 2], Enumerable.Range(0, validation!.Count).Select(validation.LabelOf));
        Assert.Contains(notices, notice => notice.Text.Contains("has no image of birds"));
    }

    [Fact]
    public void DataSource_ListWithFewerClassesToJudgeBy_KeepsTheNumbers()
    {
        var train = temp.Write("train.txt", "a.png\tcat\nb.png\tdog\nc.png\tfox\n");
        var val = temp.Write("val.txt", "d.png\tfox\n");

        Assert.Equal(2, DataSource.Open(train, val).Validation!.LabelOf(0));
    }

    [Fact]
    public void DataSource_ClassesThatDifferInTheCaseOfLettersBetweenParts_AreRefusedForThat()
    {
        Classes("train", "Cats", "dogs");
        Classes("val", "cats", "dogs");

        Assert.Contains(
            "case of letters",
            Assert.Throws<DataSourceException>(() => DataSource.Open(temp.Path, null)).Message);
    }

    [Theory]
    [InlineData("photo.jpg", new byte[] { 0xFF, 0xD8, 0xFF, 0xE0 }, "is a JPEG image. A source is many images")]
    [InlineData("photos.zip", new byte[] { (byte)'P', (byte)'K', 3, 4 }, "is a zip archive. Unpack it first.")]
    [InlineData("photos.tar.gz", new byte[] { 0x1F, 0x8B, 8, 0 }, "is a gzip archive. Unpack it first.")]
    [InlineData("train-images-idx3-ubyte", new byte[] { 0, 0, 8, 3, 0, 0, 0, 1 }, "idx:")]
    [InlineData("data_batch_1.bin", new byte[] { 6, 1, 2, 3 }, "cifar10:")]
    [InlineData("data_batch_1", new byte[] { 0x80, 2, 1, 2 }, "is a Python pickle")]
    public void DataSource_FileThatIsNoList_IsRefusedByWhatItIs(string name, byte[] bytes, string told) =>
        Assert.Contains(
            told,
            Assert.Throws<DataSourceException>(() => DataSource.Open(temp.Write(name, bytes), null)).Message);

    [Fact]
    public void DataSource_FolderWhereTrainIsAClass_IsOneSet()
    {
        Classes(".", "bus", "car", "train");

        var (train, validation) = DataSource.Open(temp.Path, null);

        Assert.Equal(["bus", "car", "train"], train.ClassNames);
        Assert.Null(validation);
    }

    [Fact]
    public void DataSource_CifarFolder_ServesItsTestPart()
    {
        temp.Write("data_batch_1.bin", new byte[3073]);
        Assert.Null(DataSource.Open($"cifar10:{temp.Path}", null).Validation);

        temp.Write("test_batch.bin", new byte[2 * 3073]);
        Assert.Equal(2, DataSource.Open($"cifar10:{temp.Path}", null).Validation!.Count);
    }

    [Fact]
    public void DataSource_ListFile_Opens() =>
        Assert.Equal(2, DataSource.Open(temp.Write("list.txt", "a.png\nb.png\n"), null).Train.Count);

    [Fact]
    public void DataSource_Validation_IsAnotherSourcesSecondPart()
    {
        var (_, validation) = DataSource.Open("patterns:20", "patterns:30");

        Assert.Equal(1000, validation!.Count);
    }

    [Fact]
    public void DataSource_Validation_IsAnotherSourceItselfWhereItHasNoSecondPart()
    {
        Classes("one", "a", "b");
        Classes("two", "a", "b");

        Assert.Equal(temp["two"], DataSource.Open(temp["one"], temp["two"]).Validation!.Description);
    }

    [Fact]
    public void DataSource_PartsWithOtherClasses_AreRefusedByName()
    {
        Classes("train", "cat", "dog");
        Classes("val", "cat", "fox");

        var message = Assert.Throws<DataSourceException>(() => DataSource.Open(temp.Path, null)).Message;

        Assert.Contains("dog", message);
        Assert.Contains("fox", message);
        Assert.DoesNotContain("cat", message);
    }

    [Theory]
    [InlineData("imagenet:/data")]
    [InlineData("nowhere/at/all")]
    public void DataSource_UnknownKindOrMissingPath_ListsTheKinds(string source)
    {
        var message = Assert.Throws<DataSourceException>(() => DataSource.Open(source, null)).Message;

        Assert.Contains(source, message);
        Assert.All(
            new[] { "folder", "list", "cifar10:", "cifar100:", "idx:", "patterns" },
            kind => Assert.Contains(kind, message));
    }

    [Theory]
    [InlineData("cifar10:")]
    [InlineData("cifar100:/nowhere/at/all")]
    [InlineData("idx:")]
    [InlineData("idx:/nowhere/at/all")]
    public void DataSource_KindWithoutAFolder_SaysSo(string source) =>
        Assert.Contains(
            "no such folder",
            Assert.Throws<DataSourceException>(() => DataSource.Open(source, null)).Message);

    [Theory]
    [InlineData("patterns:0")]
    [InlineData("patterns:-5")]
    [InlineData("patterns:many")]
    public void DataSource_PatternsWithoutACount_AreRefused(string source) =>
        Assert.Throws<DataSourceException>(() => DataSource.Open(source, null));

    [Fact]
    public void DataSource_Patterns_AreFiveThousandAndAThousandMore()
    {
        var (train, validation) = DataSource.Open("patterns", null);

        Assert.Equal((5000, 1000), (train.Count, validation!.Count));
        Assert.NotEqual(train.Read(0).Image.Pixels, validation.Read(0).Image.Pixels);
    }

    [Fact]
    public void DataSource_WhileItIsListed_TellsHowManyImagesItHasFound()
    {
        for (var i = 0; i < 2_100; i++)
        {
            temp.Write($"set/train/{(i % 2 == 0 ? "a" : "b")}/{i}.png", 0);
            temp.Write($"set/train/c/{i}.txt", 0); // no image
        }

        for (var i = 0; i < 950; i++)
        {
            temp.Write($"set/val/a/{i}.png", 0);
        }

        using (var writer = new TarWriter(File.Create(temp["shard-0.tar"])))
        using (var second = new TarWriter(File.Create(temp["shard-1.tar"])))
        {
            for (var i = 0; i < 600; i++)
            {
                writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"{i}.png"));
                second.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"{i}.png"));
            }
        }

        var (folder, shards) = (new List<int>(), new List<int>());
        DataSource.Open(temp["set"], null, listed: folder.Add);
        DataSource.Open(temp["shard-{0..1}.tar"], null, listed: shards.Add);

        Assert.Equal([1_000, 2_000, 3_000], folder); // of both parts
        Assert.Equal([1_000], shards);
    }

    private static (IImageDataset Train, IImageDataset? Validation) Open(string source, out List<DataNotice> notices)
    {
        notices = [];
        return DataSource.Open(source, null, notices.Add);
    }

    private void Classes(string folder, params string[] names) =>
        Array.ForEach(names, name => temp.WriteImage($"{folder}/{name}/1.png"));
}
