using MoCoSharp.Data.Quality;
using static MoCoSharp.Data.Tests.Quality.DuplicateGroupTests;

namespace MoCoSharp.Data.Tests.Quality;

public sealed class LeakTests
{
    [Fact]
    public void Find_EveryImageWithACounterpart_Occurs_TheSurestFirst()
    {
        ImageFacts[] train =
        [
            Image(0, "t0.jpg", file: 1, pixels: 1), Image(1, "t1.jpg", file: 2, pixels: 2),
            Image(2, "t2.jpg", file: 3, pixels: 2), Image(3, "t3.jpg", file: 4, pixels: 4),
        ];
        ImageFacts[] test =
        [
            Image(0, "v0.jpg", file: 1, pixels: 1), Image(1, "v1.jpg", file: 9, pixels: 2),
            Image(2, "v2.jpg", file: 8, pixels: 8),
        ];

        // The features also find t0 and v0 once more.
        var leaks = Leak.Find(train, test, [new(0, 0, 0.9999f), new(3, 2, 0.96f)]);

        Assert.Equal(
            [
                ("t0.jpg", "v0.jpg", DuplicateKind.SameFile), ("t1.jpg", "v1.jpg", DuplicateKind.SamePixels),
                ("t2.jpg", "v1.jpg", DuplicateKind.SamePixels), ("t3.jpg", "v2.jpg", DuplicateKind.Similar),
            ],
            leaks.Select(leak => (leak.Image.Name, leak.Other.Name, leak.Kind)));
        Assert.Equal([1, 1, 1, 0.96f], leaks.Select(leak => leak.Similarity));
    }

    [Fact]
    public void Find_SetsWithNothingInCommon_HaveNoLeak() =>
        Assert.Empty(Leak.Find([Image(0, "a.jpg", 1, 1)], [Image(0, "a.jpg", 2, 2)]));
}
