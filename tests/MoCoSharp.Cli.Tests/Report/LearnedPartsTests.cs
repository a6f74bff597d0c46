using MoCoSharp.Cli.Reports;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>Clusters, near duplicates and mistakes of a report, from features on the unit circle.</summary>
public sealed class LearnedPartsTests
{
    // Degrees and label of each image.
    private static readonly (double Degrees, int Label)[] Six = [(0, 0), (1, 0), (2.5, 1), (90, 1), (91, 1), (120, -1)];

    [Fact]
    public void NearDuplicates_AreCounted_AndTheClosestComeFirst()
    {
        using var features = Features(Six);
        var pictures = new ShownPictures(Images(Six), upright: false);

        var pairs = RunDuplicates.Find(
            features, 6, "moco duplicates run", pictures, (_, _) => { }, TestContext.Current.CancellationToken)!;

        // Four pairs within 18 degrees: 0-1, 1-2, 0-2 and 3-4. A pair that others connect is not shown.
        Assert.Equal(
            [
                "4 pairs among 6 images have a cosine of at least 0.95. These are the closest.",
                "`moco duplicates run` compares all of them, and finds files that are exactly the same.",
            ],
            pairs.Summary);
        var images = pictures.Draw()!.Images;
        Assert.DoesNotContain("image 5", images.Select(image => image.Name));
        double[] expected = [Math.Cos(Math.PI / 180), Math.Cos(Math.PI / 180), Math.Cos(1.5 * Math.PI / 180)];
        Assert.Equal(expected, pairs.All.Select(pair => (double)pair.Similarity), (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void WithoutNearDuplicates_ThereAreNoPairs()
    {
        using var features = Features([(0, 0), (30, 0), (60, 1)]);

        Assert.Null(RunDuplicates.Find(
            features, 3, "moco duplicates run", new ShownPictures(Images(Six), upright: false), (_, _) => { },
            TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Mistakes_AreTheMostConfidentFirst()
    {
        using var features = Features(Six);
        var pictures = new ShownPictures(Images(Six), upright: false);

        var mistakes = RunMistakes.Choose(
            NeighborVote.Of(features, neighbors: 2, temperature: 0.1), features, Images(Six), pictures)!;

        // Image 2 at 2.5 degrees: both neighbors are of class 0. Images 0 and 1: the nearest is right, and images 3 and
        // 4 have each other.
        var mistake = Assert.Single(mistakes.All);
        var images = pictures.Draw()!.Images;
        Assert.Equal(("image 2", "b"), (images[mistake.Image].Name, images[mistake.Image].ClassName));
        Assert.Equal(("a", 1.0), (mistake.Predicted, mistake.Confidence));
        Assert.Equal(["image 1", "image 0"], mistake.Voters.Select(voter => images[voter].Name));
        Assert.Equal((2, 4, 5), (mistakes.Neighbors, mistakes.Right, mistakes.Images)); // one has no label
    }

    [Fact]
    public void AClusterOfTwoClasses_IsNamedAfterTheMoreFrequent()
    {
        (double, int)[] images =
        [
            .. Enumerable.Repeat((0.0, 0), 2), .. Enumerable.Repeat((1.0, 1), 4), .. Enumerable.Repeat((90.0, 0), 4),
        ];
        using var features = Features(images);

        var (shown, of) = RunClusters.Find(
            features, Images(images), new ShownPictures(Images(images), upright: false),
            TestContext.Current.CancellationToken)!.Value;

        Assert.Equal([(6, "b", 4 / 6.0), (4, "a", 1.0)], shown.All.Select(cluster => (
            cluster.Size, cluster.ClassName!, cluster.Purity!.Value)));
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], of);
    }

    [Fact]
    public void ImagesWithoutLabels_HaveClustersWithoutAName()
    {
        (double, int)[] images = [.. Enumerable.Range(0, 60).Select(i => (6.0 * i, -1))];
        using var features = Features(images);

        var (shown, _) = RunClusters.Find(
            features, Images(images), new ShownPictures(Images(images), upright: false),
            TestContext.Current.CancellationToken)!.Value;

        Assert.Equal(10, shown.All.Count);
        Assert.All(shown.All, cluster => Assert.Equal((null, null), (cluster.ClassName, cluster.Purity)));
    }

    [Fact]
    public void TooFewImages_HaveNoClusters()
    {
        using var features = Features(Six);

        Assert.Null(RunClusters.Find(
            features, Images(Six), new ShownPictures(Images(Six), upright: false),
            TestContext.Current.CancellationToken));
    }

    private static FeatureSet Features((double Degrees, int Label)[] images) => new(
        tensor(
            [
                .. images.SelectMany(image => new[]
                {
                    (float)Math.Cos(image.Degrees * Math.PI / 180), (float)Math.Sin(image.Degrees * Math.PI / 180),
                }),
            ],
            [images.Length, 2]),
        [.. images.Select(image => image.Label)], [.. Enumerable.Range(0, images.Length)]);

    private static InMemoryImages Images((double Degrees, int Label)[] images) => new(
        "images", [.. images.Select(image => image.Label)], ["a", "b"],
        _ => new ImageBuffer(8, 8, new byte[3 * 8 * 8]), i => $"image {i}");
}
