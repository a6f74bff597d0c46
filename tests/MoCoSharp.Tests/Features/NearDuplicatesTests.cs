using MoCoSharp.Data.Quality;
using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class NearDuplicatesTests
{
    [Fact]
    public void Within_HandMadeFeatures_AreTheirCosines_OfAnyLength()
    {
        // 0, 30 and 90 degrees; the third image is broken, so the last one has index 3.
        using var features = new FeatureSet(
            tensor(new float[,] { { 2, 0 }, { 3 * 0.8660254f, 3 * 0.5f }, { 0, 5 } }), [-1, -1, -1], [0, 1, 3]);
        using var search = new NearDuplicates(features);

        var pairs = search.Within(0.5);

        Assert.Equal((2, 2), (pairs.Count, pairs.Strongest.Count));
        Assert.Equal([(0, 1), (1, 3)], pairs.Strongest.Select(pair => (pair.First, pair.Second)));
        Assert.Equal(Math.Cos(Math.PI / 6), pairs.Strongest[0].Similarity, 1e-6);
        Assert.Equal(0.5, pairs.Strongest[1].Similarity, 1e-6);
        Assert.Equal(0, search.Similarity(0, 3), 1e-6);
        Assert.Equal(0.5, search.Similarity(3, 1), 1e-6);
        Assert.Equal(0, search.Similarity(0, 2)); // it has no features
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1500)] // two blocks of rows
    [InlineData(5000)] // two blocks of columns
    public void Within_ManyImages_HasTheGroupsOfANaiveSearch(int count)
    {
        using var features = Random(count, seed: count);
        using var search = new NearDuplicates(features);
        var near = NaivePairs(features, features, 0.9f).Where(pair => pair.First < pair.Second).ToList();
        var (threshold, higher) = (InAGap(near, 0.9f), InAGap(near, 0.95f));

        var pairs = search.Within(threshold);

        var all = near.Where(pair => pair.Similarity >= threshold).ToList();
        Assert.Equal(all.Count, pairs.Count);
        Assert.Equal(Groups(count, all), Groups(count, pairs.Strongest));
        Assert.Equal(pairs.Strongest.OrderByDescending(pair => pair.Similarity), pairs.Strongest);

        // The strongest pairs have the groups of every higher threshold.
        Assert.Equal(
            Groups(count, all.Where(pair => pair.Similarity >= higher)),
            Groups(count, pairs.Strongest.Where(pair => pair.Similarity >= higher)));
    }

    [Fact]
    public void Between_EachImage_HasItsMostSimilarOfTheOtherSet()
    {
        using var first = Random(700, seed: 1);
        using var second = Random(300, seed: 2);
        using var search = new NearDuplicates(first);
        using var other = new NearDuplicates(second);

        var pairs = search.Between(other, 0.8);

        var all = NaivePairs(first, second, 0.8f);
        var expected = all.GroupBy(pair => pair.First).Select(group => group.MaxBy(pair => pair.Similarity))
            .Concat(all.GroupBy(pair => pair.Second).Select(group => group.MaxBy(pair => pair.Similarity)))
            .Select(pair => (pair.First, pair.Second)).Distinct().Order();
        Assert.NotEmpty(all);
        Assert.Equal(expected, pairs.Select(pair => (pair.First, pair.Second)).Order());
    }

    [Fact]
    public void StrongestPairs_MoreThanTheBufferHolds_KeepTheMaximumSpanningForest()
    {
        // A ring of 5 images, told a million times: without its weakest link, it is a chain.
        var pairs = new StrongestPairs(5);
        for (var i = 0; i < 1_500_000; i++)
        {
            pairs.Add(new SimilarPair(i % 5, (i + 1) % 5, 0.9f + (0.01f * (i % 5))));
        }

        Assert.Equal(1_500_000, pairs.Count);
        Assert.Equal([(4, 0), (3, 4), (2, 3), (1, 2)], pairs.Forest().Select(pair => (pair.First, pair.Second)));
    }

    [Fact]
    public void FeaturesThatAreNoNumbers_AndWrongThresholds_AreRefused()
    {
        using var broken = new FeatureSet(tensor(new float[,] { { 1, float.NaN } }), [-1], [0]);
        using var fine = new FeatureSet(tensor(new float[,] { { 1, 0 } }), [-1], [0]);
        using var wide = new FeatureSet(tensor(new float[,] { { 1, 0, 0 } }), [-1], [0]);

        Assert.Contains(
            "diverged", Assert.Throws<InvalidDataException>(() => new NearDuplicates(broken).Dispose()).Message);
        using var search = new NearDuplicates(fine);
        using var other = new NearDuplicates(wide);
        Assert.Throws<ArgumentOutOfRangeException>(() => search.Within(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => search.Within(1.1));
        Assert.Contains("size 2 and 3", Assert.Throws<ArgumentException>(() => search.Between(other, 0.9)).Message);
    }

    [Fact]
    public void ACanceledSearch_Ends()
    {
        using var features = Random(10, seed: 1);
        using var search = new NearDuplicates(features);

        Assert.Throws<OperationCanceledException>(
            () => search.Within(0.9, cancellation: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Search_LeavesNoTensors()
    {
        using var features = Random(50, seed: 1);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        using (var search = new NearDuplicates(features))
        {
            search.Within(0.5);
            search.Between(search, 0.5);
            search.Similarity(0, 1);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    // Four directions each with noise: some pairs are similar, most are not.
    private static FeatureSet Random(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count * 8];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)(random.NextDouble() - 0.5);
        }

        int[] indices = [.. Enumerable.Range(0, count)];
        return new FeatureSet(tensor(values, [count, 8]), [.. indices.Select(_ => -1)], indices);
    }

    private static List<SimilarPair> NaivePairs(FeatureSet first, FeatureSet second, float threshold)
    {
        var (a, b) = (Rows(first), Rows(second));
        var pairs = new List<SimilarPair>();
        for (var i = 0; i < a.Length; i++)
        {
            for (var j = 0; j < b.Length; j++)
            {
                var (product, ofA, ofB) = (0.0, 0.0, 0.0);
                for (var k = 0; k < 8; k++)
                {
                    product += a[i][k] * (double)b[j][k];
                    ofA += a[i][k] * (double)a[i][k];
                    ofB += b[j][k] * (double)b[j][k];
                }

                if (product / Math.Sqrt(ofA * ofB) is var similarity && similarity >= threshold)
                {
                    pairs.Add(new SimilarPair(i, j, (float)similarity));
                }
            }
        }

        return pairs;
    }

    private static float[][] Rows(FeatureSet features) =>
        [.. features.Values.data<float>().ToArray().Chunk(8)];

    // A threshold that no pair is so close to that rounding decides.
    private static float InAGap(IEnumerable<SimilarPair> pairs, float from)
    {
        float[] similarities = [from, .. pairs.Select(pair => pair.Similarity).Where(value => value > from).Order()];
        var gap = similarities.Zip(similarities.Skip(1)).FirstOrDefault(
            pair => pair.Second - pair.First > 1e-5f, (First: from, Second: from));
        return (gap.First + gap.Second) / 2;
    }

    // The smallest image of each image's group.
    private static int[] Groups(int count, IEnumerable<SimilarPair> pairs)
    {
        int[] groups = [.. Enumerable.Range(0, count)];
        foreach (var pair in pairs)
        {
            var (from, to) = (groups[pair.First], groups[pair.Second]);
            for (var i = 0; from != to && i < count; i++)
            {
                groups[i] = groups[i] == Math.Max(from, to) ? Math.Min(from, to) : groups[i];
            }
        }

        return groups;
    }
}
