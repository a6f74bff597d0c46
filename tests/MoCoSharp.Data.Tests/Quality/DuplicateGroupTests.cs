using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Data.Tests.Quality;

public sealed class DuplicateGroupTests
{
    [Fact]
    public void Find_SameFilesAndSamePixels_AreOneGroup_WithTheFirstNameKept()
    {
        ImageFacts[] images =
        [
            Image(0, "c.jpg", file: 1, pixels: 7), Image(1, "b.png", file: 2, pixels: 7),
            Image(2, "a.jpg", file: 1, pixels: 7), Image(3, "other.jpg", file: 3, pixels: 8),
        ];

        var group = Assert.Single(DuplicateGroup.Find(images));

        Assert.Equal("a.jpg", group.Kept.Name);
        Assert.Equal(
            [("c.jpg", DuplicateKind.SameFile, 1.0), ("b.png", DuplicateKind.SamePixels, 1.0)],
            group.Others.Select(other => (other.Image.Name, other.Kind, other.Similarity)));
        Assert.True(group.IsExact);
    }

    [Fact]
    public void Find_SimilarImages_KeepTheMostPixels_AndAreComparedWithTheKeptOne()
    {
        // 0-1-2 is a chain: 0 and 2 alone are below the threshold of 0.95.
        ImageFacts[] images =
        [
            Image(0, "small.jpg", file: 1, pixels: 1, width: 10), Image(1, "middle.jpg", file: 2, pixels: 2, width: 20),
            Image(2, "large.jpg", file: 3, pixels: 3, width: 40), Image(3, "copy.jpg", file: 3, pixels: 3, width: 40),
            Image(4, "far.jpg", file: 4, pixels: 4),
        ];
        SimilarPair[] pairs = [new(0, 1, 0.97f), new(1, 2, 0.96f), new(2, 3, 1)];

        var group = Assert.Single(DuplicateGroup.Find(images, pairs, (a, b) => (a, b) switch
        {
            (3, 1) => 0.96,
            (3, 0) => 0.9,
            _ => throw new InvalidOperationException($"{a} and {b} need no comparison"),
        }));

        Assert.Equal("copy.jpg", group.Kept.Name); // "large.jpg" is as large, and comes later
        Assert.Equal(
            [
                ("large.jpg", DuplicateKind.SameFile, 1.0), ("middle.jpg", DuplicateKind.Similar, 0.96),
                ("small.jpg", DuplicateKind.Similar, 0.9),
            ],
            group.Others.Select(other => (other.Image.Name, other.Kind, other.Similarity)));
        Assert.False(group.IsExact);
    }

    [Fact]
    public void Find_ExactGroupsComeFirst_ThenTheMostSimilar()
    {
        int[] contents = [1, 2, 3, 4, 9, 9];
        ImageFacts[] images = [.. contents.Select((content, i) => Image(i, $"{i}.jpg", content, content))];

        var groups = DuplicateGroup.Find(
            images, [new(0, 1, 0.95f), new(2, 3, 0.99f)], (a, _) => a == 0 ? 0.95 : 0.99);

        Assert.Equal(["4.jpg", "2.jpg", "0.jpg"], groups.Select(group => group.Kept.Name));
    }

    [Fact]
    public void Find_BrokenFilesOfTheSameBytes_AreNoDuplicates()
    {
        ImageFacts[] images =
        [
            Image(0, "a.jpg", file: 1, pixels: 0) with { Fault = new BadImage(0, "a.jpg", "broken") },
            Image(1, "b.jpg", file: 1, pixels: 0) with { Fault = new BadImage(1, "b.jpg", "broken") },
        ];

        Assert.Empty(DuplicateGroup.Find(images));
    }

    [Fact]
    public void OutgrownAt_AChain_IsTheSimilarityOfTheLinkThatMakesItTooLong()
    {
        SimilarPair[] pairs = [new(0, 1, 0.99f), new(1, 2, 0.98f), new(2, 3, 0.97f), new(4, 5, 0.96f)];

        Assert.Equal(0.97f, DuplicateGroup.OutgrownAt(6, pairs, largest: 3));
        Assert.Equal(0.98f, DuplicateGroup.OutgrownAt(6, pairs, largest: 2));
        Assert.Null(DuplicateGroup.OutgrownAt(6, pairs, largest: 4));
    }

    [Theory]
    [InlineData(50, 20)]
    [InlineData(1000, 50)]
    [InlineData(50_000, 100)]
    public void LargestOf_IsATwentieth_From20To100(int images, int expected) =>
        Assert.Equal(expected, DuplicateGroup.LargestOf(images));

    internal static ImageFacts Image(int index, string name, int file, int pixels, int width = 30) =>
        new(index, name) { FileHash = (UInt128)file, PixelHash = (UInt128)pixels, Width = width, Height = 10 };
}
