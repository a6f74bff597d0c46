using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class NeighborGraphTests
{
    [Fact]
    public void Neighbors_AreThoseOfANaiveSearch_WithEqualImagesAmongThem()
    {
        using var random = new Generator(3);
        // more than a block of rows, and equal rows
        using var features = cat([randn([1500, 7], generator: random), zeros(5, 7)]);
        var rows = HostFeatures.Of(features);

        var graph = NeighborGraph.Of(rows, 6);

        foreach (var image in new[] { 0, 1, 700, 1023, 1024, 1499, 1500, 1504 })
        {
            var naive = Enumerable.Range(0, rows.Count).Where(other => other != image)
                .Select(other => (Distance: Distance(rows, image, other), other))
                .Order().Take(6).ToList();
            Assert.Equal(naive.Select(item => item.other), graph.Of(image).ToArray());
            Assert.Equal(
                naive.Select(item => (float)item.Distance), graph.DistancesOf(image).ToArray(), (a, b) =>
                    Math.Abs(a - b) < 1e-5f);
        }
    }

    [Fact]
    public void TheNumberOfThreads_ChangesNoBit()
    {
        using var random = new Generator(4);
        using var features = randn([3000, 65], generator: random);
        var rows = HostFeatures.Of(features);
        var graph = NeighborGraph.Of(rows, 15);
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            var alone = NeighborGraph.Of(rows, 15);

            Assert.Equal(graph.Indices, alone.Indices);
            Assert.Equal(graph.Distances, alone.Distances);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void FeaturesThatAreNoNumbers_AreRefused()
    {
        using var features = tensor(new float[,] { { 1, float.NaN }, { 0, 1 } });

        Assert.Contains("diverged", Assert.Throws<InvalidDataException>(() => HostFeatures.Of(features)).Message);
    }

    private static double Distance(HostFeatures rows, int a, int b)
    {
        var sum = 0.0;
        for (var i = 0; i < rows.Width; i++)
        {
            sum += Math.Pow((double)rows.Row(a)[i] - rows.Row(b)[i], 2);
        }

        return Math.Sqrt(sum);
    }
}
