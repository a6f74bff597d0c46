using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class ImageSelectionTests
{
    public static TheoryData<SelectionRule> Rules => [.. Enum.GetValues<SelectionRule>()];

    // On a line, with 0 labeled: 10 is farthest; then 6 is 4 from 10, and 2 is 2 from 0; then 2; then 1.
    [Fact]
    public void Diverse_OnALine_TakesTheFarthestFromAllBefore()
    {
        using var images = Points([1, 0], [2, 0], [10, 0], [6, 0]);
        using var labeled = Points([0, 0]);

        var chosen = ImageSelection.Choose(SelectionRule.Diverse, images, 4, labeled);

        Assert.Equal([2, 3, 1, 0], chosen.Select(image => image.Row));
        Assert.Equal([10, 4, 2, 1], chosen.Select(image => image.Score));
    }

    [Fact]
    public void Diverse_WithoutLabels_BeginsByChance_AndGoesToTheOtherEnd()
    {
        using var images = Points([0, 0], [1, 0], [2, 0], [9, 0], [10, 0]);

        var firsts = Enumerable.Range(0, 20)
            .Select(seed => ImageSelection.Choose(SelectionRule.Diverse, images, 2, seed: seed))
            .ToList();

        Assert.True(firsts.Select(chosen => chosen[0].Row).Distinct().Count() > 2);
        Assert.All(firsts, chosen => Assert.Equal(chosen[0].Row <= 2 ? 4 : 0, chosen[1].Row));
        Assert.All(firsts, chosen => Assert.True(double.IsNaN(chosen[0].Score)));
    }

    // 30 images around (0, 0), 22 around (100, 0), 3 far away. One of the 30 has a label.
    [Fact]
    public void Typical_TakesTheDensestImageOfTheClusterWithoutLabels()
    {
        var big = Blob(30, 0, 1);
        var small = Blob(22, 100, 2);
        using var images = Points([.. big, .. small, [50, 90], [60, 80], [50, 100]]);
        using var labeled = Points([0.1f, 0]);

        var chosen = ImageSelection.Choose(SelectionRule.Typical, images, 2, labeled);

        var all = (float[][])[.. big, .. small, [50, 90], [60, 80], [50, 100], [0.1f, 0]];
        double Spread(int row) => all.Index().Where(other => other.Index != row)
            .Select(other => Distance(all[row], other.Item)).Order().Take(20).Average();
        Assert.InRange(chosen[0].Row, 30, 51);
        Assert.Equal(Enumerable.Range(30, 22).MinBy(Spread), chosen[0].Row);
        Assert.Equal(Spread(chosen[0].Row), chosen[0].Score, 1e-4);
        Assert.Equal(Enumerable.Range(0, 30).MinBy(Spread), chosen[1].Row); // the three are a small cluster: last
    }

    // The vote of a label at 0 and one at 90 degrees: exp(10 cos a) and exp(10 sin a). The margin is
    // tanh(5 |cos a - sin a|).
    [Fact]
    public void Uncertain_TakesTheSmallestMarginFirst()
    {
        double[] angles = [10, 40, 85, 60];
        using var images = Points([.. angles.Select(OnCircle)]);
        using var labeled = Points(OnCircle(0), OnCircle(90)) with { Labels = [0, 1] };

        var chosen = ImageSelection.Choose(SelectionRule.Uncertain, images, 4, labeled);

        Assert.Equal([1, 3, 0, 2], chosen.Select(image => image.Row));
        Assert.All(chosen, image =>
        {
            var (sin, cos) = Math.SinCos(angles[image.Row] * Math.PI / 180);
            Assert.Equal(Math.Tanh(5 * Math.Abs(cos - sin)), image.Score, 1e-5);
        });
    }

    [Fact]
    public void Uncertain_WithOneClass_IsRefused()
    {
        using var images = Points([1, 0], [0, 1]);
        using var labeled = Points([1, 0], [0, 1]) with { Labels = [1, 1] };

        var error = Assert.Throws<ArgumentException>(
            () => ImageSelection.Choose(SelectionRule.Uncertain, images, 1, labeled));

        Assert.Contains("fewer than two classes", error.Message);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void EveryRule_TakesEachImageOnce_TheSameForTheSameSeed_WithAnyNumberOfThreads(SelectionRule rule)
    {
        using var images = Points([.. Blob(60, 0, 3), .. Blob(40, 3, 4)]);
        using var labeled = Points([0, 0], [3, 3]) with { Labels = [0, 1] };

        var chosen = ImageSelection.Choose(rule, images, 100, labeled, seed: 7);

        Assert.Equal(Enumerable.Range(0, 100), chosen.Select(image => image.Row).Order());
        var threads = get_num_threads();
        set_num_threads(1);
        try
        {
            Assert.Equal(chosen, ImageSelection.Choose(rule, images, 100, labeled, seed: 7));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData(SelectionRule.Typical)]
    [InlineData(SelectionRule.Diverse)]
    [InlineData(SelectionRule.Random)]
    public void AnotherSeed_TakesOtherImages(SelectionRule rule)
    {
        using var images = Points(Blob(300, 0, 5));

        Assert.NotEqual(
            ImageSelection.Choose(rule, images, 20, seed: 1).Select(image => image.Row),
            ImageSelection.Choose(rule, images, 20, seed: 2).Select(image => image.Row));
    }

    // The first 20 of 40 are those that would be chosen for 20.
    [Theory]
    [InlineData(SelectionRule.Typical)]
    [InlineData(SelectionRule.Diverse)]
    [InlineData(SelectionRule.Random)]
    public void TheFirstImages_AreAChoiceOfTheirOwn(SelectionRule rule)
    {
        using var images = Points(Blob(200, 0, 6));

        Assert.Equal(
            ImageSelection.Choose(rule, images, 20, seed: 1),
            ImageSelection.Choose(rule, images, 40, seed: 1).Take(20));
    }

    [Fact]
    public void OneImage_AndEqualImages_CanBeChosen()
    {
        using var one = Points([1, 0]);
        using var equal = Points([1, 0], [1, 0], [1, 0]);

        Assert.All([SelectionRule.Typical, SelectionRule.Diverse, SelectionRule.Random], rule =>
        {
            Assert.Equal(0, ImageSelection.Choose(rule, one, 1).Single().Row);
            Assert.Equal([0, 1, 2], ImageSelection.Choose(rule, equal, 3).Select(image => image.Row).Order());
        });
    }

    [Fact]
    public void Clusters_OfSeparateBlobs_AreTheBlobs()
    {
        var rows = HostFeatures.Of(Points([.. Blob(20, 0, 7), .. Blob(20, 50, 8), .. Blob(20, 100, 9)]).Values);

        var cluster = KMeans.Cluster(rows, 3, RandomStreams.Selection(0, 0));

        Assert.Equal(3, cluster.Distinct().Count());
        Assert.All([0, 20, 40], first => Assert.Single(cluster.Skip(first).Take(20).Distinct()));
    }

    private static FeatureSet Points(params float[][] points) => new(
        tensor(points.SelectMany(point => point).ToArray(), [points.Length, points[0].Length]),
        [.. points.Select(_ => -1)], [.. Enumerable.Range(0, points.Length)]);

    // Around (center, center), with a standard deviation of 1.
    private static float[][] Blob(int count, float center, int seed)
    {
        var random = new SampleRandom(seed, 0, 0, 0);
        return
        [
            .. Enumerable.Range(0, count).Select(_ => new[]
            {
                center + (float)random.NextGaussian(), center + (float)random.NextGaussian(),
            }),
        ];
    }

    private static float[] OnCircle(double degrees) =>
        [(float)Math.Cos(degrees * Math.PI / 180), (float)Math.Sin(degrees * Math.PI / 180)];

    private static double Distance(float[] a, float[] b) =>
        Math.Sqrt(a.Zip(b).Sum(pair => Math.Pow((double)pair.First - pair.Second, 2)));
}
