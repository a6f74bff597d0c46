using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class DataSourceTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("val")]
    [InlineData("test")]
    public void DataSource_FolderWithTwoParts_ServesBoth(string second)
    {
        Classes("train", "a", "b");
        Classes(second, "a", "b");

        var (train, validation) = DataSource.Open(temp.Path, null);

        Assert.EndsWith("train", train.Description);
        Assert.EndsWith(second, validation!.Description);
    }

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
    public void DataSource_ListFile_Opens() => Assert.Equal(2, DataSource.Open(temp.Write("list.txt", "a.png\nb.png\n"), null).Train.Count);

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
        Assert.All(new[] { "folder", "list", "cifar10:", "cifar100:", "idx:", "patterns" }, kind => Assert.Contains(kind, message));
    }

    [Theory]
    [InlineData("cifar10:")]
    [InlineData("cifar100:/nowhere/at/all")]
    [InlineData("idx:")]
    [InlineData("idx:/nowhere/at/all")]
    public void DataSource_KindWithoutAFolder_SaysSo(string source) =>
        Assert.Contains("no such folder", Assert.Throws<DataSourceException>(() => DataSource.Open(source, null)).Message);

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

    private void Classes(string folder, params string[] names) => Array.ForEach(names, name => temp.WriteImage($"{folder}/{name}/1.png"));
}
