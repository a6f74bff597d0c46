namespace MoCoSharp.Data.Tests;

public sealed class NearestWordTests
{
    private static readonly string[] Words = ["pretrain", "knn", "linear", "moco-v2-folder", "moco-v2-imagenet-r50"];

    [Theory]
    [InlineData("pretrian", "pretrain")]
    [InlineData("PRETRAIN", "pretrain")]
    [InlineData("kn", "knn")]
    [InlineData("train", "pretrain")]
    [InlineData("moco-v2-folders", "moco-v2-folder")]
    [InlineData("nkn", "knn")] // two neighbors swapped
    [InlineData("linaer", "linear")]
    [InlineData("nosuch", null)]
    [InlineData("kmm", null)] // two of three letters are wrong
    [InlineData("foo", null)]
    [InlineData("", null)]
    [InlineData("k", null)]
    public void AMistypedWord_HasTheOneThatWasMeant(string word, string? expected) =>
        Assert.Equal(expected, NearestWord.Find(word, Words));

    [Fact]
    public void AVeryLongWord_IsNoneOfThem() => Assert.Null(NearestWord.Find(new string('k', 100_000), Words));

    [Fact]
    public void APathThatIsNotThere_HasItsNeighbor()
    {
        var folder = Directory.CreateTempSubdirectory("moco").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "photos"));

        Assert.Equal(
            $" Did you mean {Path.Combine(folder, "photos")}?",
            NearestWord.DidYouMeanPath(Path.Combine(folder, "phtos/")));
        Assert.Equal("", NearestWord.DidYouMeanPath(Path.Combine(folder, "nowhere", "phtos")));
        Assert.Equal("", NearestWord.DidYouMeanPath(folder + "/\0"));
        Directory.Delete(folder, recursive: true);
    }
}
