using MoCoSharp.Features;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class BaselinesFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    private string At => Path.Combine(_folder, "baselines.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFile_GivesBackEveryAnswer_AlsoWithoutQueriesThatWereLeftOut()
    {
        var encoder = new KnnScore("encoder", [0, 1, 3, 4, 6, 7, 8, 9, 10, 12], Right("1011001110"));
        var untrained = new KnnScore("untrained encoder", [0, 1, 2], Right("010"));

        new BaselinesFile("kNN k=5", encoder, 40, [untrained]).Write(At);
        var read = BaselinesFile.Read(At)!;

        Assert.Equal(("kNN k=5", 40), (read.Protocol, read.Step));
        Assert.Equal(("encoder", encoder.Accuracy), (read.Encoder!.Name, read.Encoder.Accuracy));
        Assert.Equal(encoder.Queries, read.Encoder.Queries);
        Assert.Equal(encoder.Right, read.Encoder.Right);
        Assert.Equal(untrained.Right, Assert.Single(read.Baselines).Right);
    }

    [Fact]
    public void ABaselineOfTheSameName_IsReplaced()
    {
        var file = new BaselinesFile("p", null, 0, [new("a", [0], [true]), new("b", [0], [true])]);

        var with = file.With(new KnnScore("a", [0], [false]));

        Assert.Equal([("b", 1.0), ("a", 0.0)], with.Baselines.Select(score => (score.Name, score.Accuracy)));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData(
        """
        {"protocol": "p", "step": 0, "baselines": [{"name": "a", "right": "AA==", "queries": 9, "leftOut": []}]}
        """)]
    public void AFileThatCannotBeUnderstood_IsAsNone(string text)
    {
        File.WriteAllText(At, text);

        Assert.Null(BaselinesFile.Read(At));
    }

    [Fact]
    public void NoFile_IsNone() => Assert.Null(BaselinesFile.Read(At));

    private static bool[] Right(string digits) => [.. digits.Select(digit => digit == '1')];
}
