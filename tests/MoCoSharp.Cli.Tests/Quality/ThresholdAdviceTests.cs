using MoCoSharp.Cli.Quality;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Tests.Quality;

public sealed class ThresholdAdviceTests
{
    [Fact]
    public void AChainOfManyImages_IsReported_WithTheThresholdThatBreaksIt()
    {
        // 30 images in a chain; the links fall from 0.9895 by 0.001. The 20th, 0.9705, makes a group of 21.
        var pairs = Enumerable.Range(0, 29).Select(i => new SimilarPair(i, i + 1, 0.9895f - (0.001f * i))).ToList();
        var groups = DuplicateGroup.Find(Images(30), pairs, (_, _) => 0.5);

        var advice = ThresholdAdvice.Of(groups, pairs, 30);

        Assert.StartsWith("One group connects 30 images", advice);
        Assert.Contains("with --threshold 0.971, no group has more than 20 images", advice);
        List<SimilarPair> higher = [.. pairs.Where(pair => pair.Similarity >= 0.971f)];
        Assert.Null(ThresholdAdvice.Of(DuplicateGroup.Find(Images(30), higher, (_, _) => 0.5), higher, 30));
    }

    [Fact]
    public void ManyExactCopies_AreNoChain()
    {
        ImageFacts[] copies = [.. Images(30).Select(image => image with { FileHash = (UInt128)1 })];

        Assert.Null(ThresholdAdvice.Of(DuplicateGroup.Find(copies), [], 30));
    }

    [Fact]
    public void ImagesThatTheEncoderCannotTellApart_NeedAnotherEncoder()
    {
        var pairs = Enumerable.Range(0, 29).Select(i => new SimilarPair(i, i + 1, 1)).ToList();

        Assert.Contains(
            "Use another encoder",
            ThresholdAdvice.Of(DuplicateGroup.Find(Images(30), pairs, (_, _) => 1), pairs, 30));
    }

    private static ImageFacts[] Images(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new ImageFacts(i, $"{i:D2}.jpg")
        {
            Width = 10, Height = 10, FileHash = (UInt128)(i + 100), PixelHash = (UInt128)(i + 100),
        }),
    ];
}
