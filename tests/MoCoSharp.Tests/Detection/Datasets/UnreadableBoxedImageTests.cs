using System.Collections.Concurrent;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Tests.Detection.Datasets;

/// <summary>An image of a detection set that cannot be read now may be read later.</summary>
public sealed class UnreadableBoxedImageTests : IDisposable
{
    private readonly TempFolder temp = new();

    [Fact]
    public void ADetectionImage_IsTriedAgain()
    {
        var images = Boxed(4);
        File.Move(images[2].File, temp["away"]);
        var told = new ConcurrentBag<BadImage>();
        var loader = new DetectionLoader(images, Detection, new Normalize([0, 0, 0], [1, 1, 1]), 1, 1)
        {
            BadImageFound = told.Add,
        };
        var before = loader.Test(default).ToList();
        _ = loader.Training(4, 0, default).First();
        File.Move(temp["away"], images[2].File);
        var after = loader.Test(default).ToList();

        Assert.Equal([false, false, true, false], before.Select(batch => batch is null));
        Assert.All(after, Assert.NotNull);
        Assert.All(told, bad => Assert.Equal((2, true), (bad.Index, bad.MayPass)));
    }

    [Fact(Timeout = 240_000)]
    public async Task WithoutAnyDetectionImage_ItEndsAfterTheLongestWait()
    {
        var images = Boxed(4);
        var loader = new DetectionLoader(images, Detection, new Normalize([0, 0, 0], [1, 1, 1]), 1, 1)
        {
            LongestOutage = TimeSpan.FromSeconds(1),
        };
        var error = await Task.Run(() => Assert.Throws<BrokenImageException>(() =>
        {
            foreach (var _ in loader.Training(4, 0, TestContext.Current.CancellationToken))
            {
                if (Directory.Exists(temp["boxes"]))
                {
                    Directory.Move(temp["boxes"], temp["away"]);
                }
            }
        }));
        Assert.Contains("none of the 4 images could be read for 1 s", error.Message);
    }

    public void Dispose() => temp.Dispose();

    private static DetectionViewOptions Detection { get; } =
        new()
        {
            ShortSides = [8],
            TestShortSide = 8,
            LongestSide = 32,
        };

    private BoxedImages Boxed(int count) => new("made", ["a"], [.. Enumerable.Range(0, count).Select(i =>
        new BoxedImage(temp.WriteImage($"boxes/{i}.png", (byte)i), $"{i}", 4, 4, [new ObjectBox(1, 1, 3, 3, 0)]))]);
}
