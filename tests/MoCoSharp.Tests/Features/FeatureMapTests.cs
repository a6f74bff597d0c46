using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class FeatureMapTests
{
    // Along (3, 4) / 5: the first direction. Its larger component, 4 / 5, is positive.
    [Fact]
    public void Pca_OfPointsOnALine_IsTheirPlaceOnIt()
    {
        using var features = tensor(new float[,] { { 3, 4 }, { -3, -4 }, { 6, 8 }, { -6, -8 } });

        var places = FeatureMap.Pca(features);

        float[] expected = [5, 0, -5, 0, 10, 0, -10, 0];
        Assert.All(expected.Zip(places), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void Pca_HasTheTwoLargestVariances_AndNoCovariance()
    {
        using var random = new Generator(5);
        using var features = randn([5000, 6], generator: random) * tensor(new float[] { 1, 5, 2, 1, 9, 3 });

        var places = FeatureMap.Pca(features);

        double Mean(Func<int, double> value) => Enumerable.Range(0, 5000).Average(value);
        Assert.Equal(0, Mean(i => places[2 * i]), 1e-3);
        Assert.Equal(81, Mean(i => Math.Pow(places[2 * i], 2)), 4.0); // the variance of the fifth value
        Assert.Equal(25, Mean(i => Math.Pow(places[(2 * i) + 1], 2)), 1.5); // of the second
        Assert.Equal(0, Mean(i => (double)places[2 * i] * places[(2 * i) + 1]), 1e-2);
    }

    [Fact]
    public void Umap_KeepsThreeBlobsApart_AndNeighborsTogether()
    {
        using var features = Blobs(40);

        var places = FeatureMap.Umap(features, neighbors: 10);

        var centers = Enumerable.Range(0, 3)
            .Select(blob => (X: Mean(blob, 0), Y: Mean(blob, 1)))
            .ToList();
        for (var i = 0; i < 120; i++)
        {
            // each point is nearest to the center of its own blob
            Assert.Equal(i / 40, Enumerable.Range(0, 3).MinBy(blob =>
                Math.Pow(places[2 * i] - centers[blob].X, 2) + Math.Pow(places[(2 * i) + 1] - centers[blob].Y, 2)));
        }

        var quality = MapQuality.Of(features, places, k: 10);
        var byPca = MapQuality.Of(features, FeatureMap.Pca(features), k: 10);
        Assert.True(quality.Trustworthiness > 0.9, $"{quality}");
        Assert.True(quality.Preservation > byPca.Preservation, $"{quality}, PCA {byPca}");

        double Mean(int blob, int axis) => Enumerable.Range(40 * blob, 40).Average(i => places[(2 * i) + axis]);
    }

    [Fact]
    public void Umap_TheSameSeed_GivesTheSameBits_WithAnyNumberOfThreads()
    {
        using var features = Blobs(60);
        var places = FeatureMap.Umap(features, seed: 3);
        var other = FeatureMap.Umap(features, seed: 4);
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            Assert.Equal(places, FeatureMap.Umap(features, seed: 3));
        }
        finally
        {
            set_num_threads(threads);
        }

        Assert.NotEqual(places, other);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Umap_OfVeryFewOrEqualImages_IsFinite(int count)
    {
        using var equal = ones(count, 3);
        using var different = eye(count, 3);

        Assert.All(FeatureMap.Umap(equal), place => Assert.True(float.IsFinite(place)));
        Assert.Equal(2 * count, FeatureMap.Umap(different).Length);
    }

    [Fact]
    public void Umap_IsCanceled()
    {
        using var features = Blobs(20);
        using var stop = new CancellationTokenSource();
        stop.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(
            () => FeatureMap.Umap(features, cancellation: stop.Token));
    }

    // 1 for the nearest, and log2 of k in all. By hand for k = 4: 1 + e^-(1/w) + e^-(1/w) + e^-(2/w) = 2, so with
    // t = e^-(1/w): t^2 + 2t - 1 = 0, t = sqrt(2) - 1.
    [Fact]
    public void Weights_OfFourNeighbors_AreThoseByHand()
    {
        var weights = new double[4];

        FuzzyGraph.Weigh([1, 2, 2, 3], weights);

        var t = Math.Sqrt(2) - 1;
        Assert.All(weights.Zip([1, t, t, t * t]), pair => Assert.Equal(pair.Second, pair.First, 1e-6));
    }

    // 0, 1 and 3 on a line, one neighbor each: 0 - 1, 1 - 0, 3 - 1. With k = 1 each weight is 1, or nothing.
    [Fact]
    public void AGraph_HoldsEachPairInBothDirections()
    {
        using var features = tensor(new float[,] { { 0 }, { 1 }, { 3 } });

        var graph = FuzzyGraph.Of(NeighborGraph.Of(HostFeatures.Of(features), 1));

        Assert.Equal(
            [(0, 1, 1f), (1, 0, 1f), (1, 2, 1f), (2, 1, 1f)],
            graph.Heads.Zip(graph.Tails, graph.Weights).Order());
    }

    // In Python: scipy.optimize.curve_fit of umap-learn finds a = 1.577, b = 0.8951 for min_dist = 0.1.
    [Fact]
    public void TheCurve_IsTheClosestToTheWantedOne()
    {
        Assert.Equal(1.577, MapLayout.A, 1e-3);
        Assert.Equal(0.8951, MapLayout.B, 1e-4);
        var best = Misfit(MapLayout.A, MapLayout.B);
        Assert.All(
            [(1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3), (1e-3, -1e-3), (-1e-3, 1e-3)],
            ((double A, double B) off) => Assert.True(Misfit(MapLayout.A + off.A, MapLayout.B + off.B) > best));

        static double Misfit(double a, double b) => Enumerable.Range(0, 300).Select(i => 3.0 * i / 299)
            .Sum(x => Math.Pow(
                (1 / (1 + (a * Math.Pow(x, 2 * b)))) - (x < 0.1 ? 1 : Math.Exp(0.1 - x)), 2));
    }

    // Images at 0, 1, 3 and 7; on the map at 0, 7, 3 and 1; k = 1. The neighbor on the map of image 0 is 3, with rank
    // 3 among the features; of 1: 2, rank 2; of 2: 3, rank 3; of 3: 0, rank 3. The ranks exceed k by 2 + 1 + 2 + 2.
    // 1 - 2 / (4 x 1 x (8 - 3 - 1)) x 7 = 0.125.
    [Fact]
    public void Quality_OfFourImages_IsThatByHand()
    {
        using var features = tensor(new float[,] { { 0 }, { 1 }, { 3 }, { 7 } });

        Assert.Equal(new MapQuality(0.125, 0), MapQuality.Of(features, [0, 0, 7, 0, 3, 0, 1, 0], k: 1));
        Assert.Equal(new MapQuality(1, 1), MapQuality.Of(features, [0, 0, 0, 1, 0, 3, 0, 7], k: 1));
    }

    [Fact]
    public void Quality_IsThatOfANaiveDoubleLoop()
    {
        using var features = Blobs(15);
        using var random = new Generator(8);
        var places = randn([45, 2], generator: random).data<float>().ToArray();
        var (rows, map) = (HostFeatures.Of(features), new HostFeatures(places, 45, 2));

        var quality = MapQuality.Of(features, places, k: 5);

        var (excess, kept) = (0.0, 0);
        for (var i = 0; i < 45; i++)
        {
            var byFeatures = Nearest(rows, i);
            foreach (var neighbor in Nearest(map, i).Take(5))
            {
                var rank = byFeatures.IndexOf(neighbor) + 1;
                excess += Math.Max(0, rank - 5);
                kept += rank <= 5 ? 1 : 0;
            }
        }

        Assert.Equal(1 - (2 * excess / (45 * 5 * (90 - 15 - 1))), quality.Trustworthiness, 1e-12);
        Assert.Equal(kept / (45.0 * 5), quality.Preservation, 1e-12);

        static List<int> Nearest(HostFeatures of, int image) =>
        [
            .. Enumerable.Range(0, of.Count).Where(other => other != image)
                .OrderBy(other => of.Row(image).ToArray().Zip(of.Row(other).ToArray())
                    .Sum(pair => Math.Pow((double)pair.First - pair.Second, 2))),
        ];
    }

    // scikit-learn and umap-learn are not needed: the twin is written from the paper, in float64.
    [Fact]
    public void Umap_HasTheWeightsOfANaiveTwin_AndMapsOfItsQuality()
    {
        using var features = Blobs(30);
        var values = HostFeatures.Of(features);
        double[][] rows = [.. values.Values.Chunk(8).Select(row => row.Select(value => (double)value).ToArray())];

        var graph = FuzzyGraph.Of(NeighborGraph.Of(values, 8));

        var weights = NaiveUmap.Weights(rows, 8);
        Assert.Equal(weights.Cast<double>().Count(weight => weight > 0), graph.Weights.Length);
        Assert.All(
            graph.Weights.Index(),
            edge => Assert.Equal(weights[graph.Heads[edge.Index], graph.Tails[edge.Index]], edge.Item, 1e-4));

        var first = FeatureMap.Pca(features);
        var scale = 10 / first.Max(place => Math.Abs(place));
        double[][] places = [.. first.Chunk(2).Select(place => new double[] { scale * place[0], scale * place[1] })];
        NaiveUmap.Optimize(weights, places, MapLayout.A, MapLayout.B, new SampleRandom(1, 2, 3, 4));
        var twin = MapQuality.Of(features, [.. places.SelectMany(place => place).Select(place => (float)place)], k: 8);
        var quality = MapQuality.Of(features, FeatureMap.Umap(features, neighbors: 8), k: 8);

        Assert.Equal(twin.Trustworthiness, quality.Trustworthiness, 0.01);
        Assert.Equal(twin.Preservation, quality.Preservation, 0.05);
    }

    // Three blobs in 8 dimensions, far apart.
    private static Tensor Blobs(int each)
    {
        using var random = new Generator(6);
        using var scope = NewDisposeScope();
        var centers = eye(3, 8).mul(12).repeat_interleave(each, 0);
        return (randn([3 * each, 8], generator: random) + centers).MoveToOuterDisposeScope();
    }
}
