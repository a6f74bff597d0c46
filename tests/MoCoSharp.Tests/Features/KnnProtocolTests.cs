using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class KnnProtocolTests
{
    private static readonly string[] Classes = ["cat", "dog", "owl"];

    [Theory]
    [InlineData("demo", 0.1)]
    [InlineData("instdisc", 0.07)]
    public void NamedProtocols_AreThePublishedOnes(string name, double temperature)
    {
        var options = KnnProtocol.Named(name);
        Assert.Equal((200, temperature, FeatureLayer.Head), (options.Neighbors, options.Temperature, options.Layer));
        Assert.Contains(
            $"kNN, {name}: k 200, T {temperature.ToString(System.Globalization.CultureInfo.InvariantCulture)}",
            KnnProtocol.Describe(name, options));
    }

    [Fact]
    public void ClassesThatTheBankLacks_AreTold_AndCount()
    {
        using var bank = Set([1, 0], [1, 0], [0, 1]); // a dog and a cat
        using var queries = Set([0, 2, 1], [0.1f, 3], [1, 0], [2, 2]);

        var result = KnnProtocol.Judge(bank, queries, Classes, new KnnOptions { Neighbors = 1 });

        // A cat by its direction, not its length; an owl that cannot be right; and a dog as near to both, which goes to
        // the first of the bank.
        Assert.Equal(["owl"], result.MissingClasses);
        Assert.Equal((3, 2), (result.Scores.Count, result.Scores.Right));
    }

    [Fact]
    public void ImagesWithoutALabel_TakeNoPart()
    {
        using var bank = Set([0, -1, 1], [1, 0], [0, 1], [0.1f, 1]);
        using var queries = Set([1, -1], [0, 1], [1, 0]);

        var result = KnnProtocol.Judge(bank, queries, Classes, new KnnOptions { Neighbors = 1 });

        Assert.Empty(result.MissingClasses);
        Assert.Equal((1, 1), (result.Scores.Count, result.Scores.Right));
    }

    private static FeatureSet Set(int[] labels, params float[][] rows) =>
        new(
            tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]),
            labels,
            [.. Enumerable.Range(0, rows.Length)]);
}
