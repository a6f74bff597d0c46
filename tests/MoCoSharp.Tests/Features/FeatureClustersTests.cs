using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class FeatureClustersTests
{
    // Two groups on a line: 0, 1, 2, 5 with the center 2, and 100, 104 with the center 102.
    private static readonly float[,] Line = { { 100 }, { 0 }, { 1 }, { 5 }, { 2 }, { 104 } };

    [Fact]
    public void Clusters_AreTheLargestFirst_AndBeginAtTheirCenter()
    {
        using var features = Of(Line);

        var clusters = FeatureClusters.Find(features, 2);

        Assert.Equal([[4, 2, 1, 3], [0, 5]], clusters); // distances 0, 1, 2, 3 from 2; equal ones in order
    }

    [Fact]
    public void EqualImages_MakeOneCluster()
    {
        using var features = Of(new float[,] { { 3 }, { 3 }, { 3 } });

        Assert.Equal([[0, 1, 2]], FeatureClusters.Find(features, 3));
    }

    [Fact]
    public void TheSameSeed_GivesTheSameClusters()
    {
        using var random = new Generator(5);
        using var features = new FeatureSet(randn([200, 8], generator: random), new int[200], new int[200]);

        var first = FeatureClusters.Find(features, 7, seed: 3);

        Assert.Equal(200, first.Sum(cluster => cluster.Count));
        Assert.Equal(Enumerable.Range(0, 200), first.SelectMany(cluster => cluster).Order());
        Assert.Equal(first, FeatureClusters.Find(features, 7, seed: 3));
    }

    private static FeatureSet Of(float[,] values) =>
        new(tensor(values), new int[values.GetLength(0)], [.. Enumerable.Range(0, values.GetLength(0))]);
}
