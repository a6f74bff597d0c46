using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Tests.Detection.Datasets;

public sealed class DetectionViewTests
{
    private static readonly Normalize Plain = new([0, 0, 0], [1, 1, 1]);

    [Theory]
    [InlineData(500, 375, 800, 1333, 1067, 800)]  // detectron2's ResizeShortestEdge: 1066.67 is rounded
    [InlineData(375, 500, 480, 1333, 480, 640)]
    [InlineData(2000, 500, 800, 1333, 1333, 333)] // the long side decides: 333.25
    [InlineData(64, 64, 64, 64, 64, 64)]
    [InlineData(10_000, 1, 800, 1333, 1333, 1)]
    public void Size_IsByTheShorterSide_UnlessTheLongerIsTooLong(
        int width, int height, int shortSide, int longest, int newWidth, int newHeight
    ) => Assert.Equal((newWidth, newHeight), DetectionView.SizeOf(width, height, shortSide, longest));

    [Fact]
    public void Boxes_GoWithTheirImage_AlsoInAMirror()
    {
        var pixels = new byte[3 * 8 * 4];
        for (var y = 1; y < 3; y++)
        {
            pixels.AsSpan(3 * ((8 * y) + 1), 3 * 2).Fill(255); // a white box: columns 1 and 2, rows 1 and 2
        }

        var image = new ImageBuffer(8, 4, pixels);
        var view = DetectionView.Of(
            image, [new ObjectBox(1, 1, 3, 3, 0)], shortSide: 4, longestSide: 100, isMirrored: true, Plain);

        Assert.Equal(new ObjectBox(5, 1, 7, 3, 0), view.Boxes[0]);
        Assert.Equal([0, 0, 0, 0, 0, 1, 1, 0], Enumerable.Range(0, 8).Select(x => view.Pixels[3 * (8 + x)]));

        var larger = DetectionView.Of(
            image, [new ObjectBox(1, 1, 3, 3, 0)], shortSide: 8, longestSide: 100, isMirrored: false, Plain);
        Assert.Equal(new ObjectBox(2, 2, 6, 6, 0), larger.Boxes[0]);
        Assert.Equal((16, 8), (larger.Width, larger.Height));
    }

    [Fact]
    public void Mirror_KeepsColours()
    {
        var view = DetectionView.Of(new ImageBuffer(2, 1, [255, 0, 0, 0, 0, 255]), [], 1, 2, isMirrored: true, Plain);

        Assert.Equal([0, 0, 1, 1, 0, 0], view.Pixels);
    }
}

public sealed class AspectGroupsTests
{
    private static readonly bool[] Kinds = [true, false, true, true, false, true, true, false, true];

    [Fact]
    public void Batches_HoldImagesOfOneKind_AndEveryImageOncePerEpoch()
    {
        // 18 places: two epochs, but for what waits
        var items = AspectGroups.Batches(Kinds, 2, seed: 4, first: 0).Take(9).ToList();

        Assert.All(items, batch => Assert.Single(batch.Select(item => Kinds[item.Index]).Distinct()));
        Assert.All(
            items.SelectMany(batch => batch).GroupBy(item => item.Index),
            group => Assert.InRange(group.Count(), 1, 3));
        Assert.Equal(18, items.SelectMany(batch => batch).Select(item => item.Position).Distinct().Count());
    }

    [Fact]
    public void Batches_FromAnyOneOn_AreTheSame() =>
        Assert.Equal(
            AspectGroups.Batches(Kinds, 2, 4, 0).Skip(7).Take(5),
            AspectGroups.Batches(Kinds, 2, 4, 7).Take(5));

    [Fact]
    public void Batches_DifferByEpochAndSeed()
    {
        var first = AspectGroups.Batches([.. new bool[8]], 8, 4, 0).Take(2).ToList();

        Assert.NotEqual(first[0].Select(item => item.Index), first[1].Select(item => item.Index));
        Assert.NotEqual(
            first[0].Select(item => item.Index),
            AspectGroups.Batches([.. new bool[8]], 8, 5, 0).First().Select(item => item.Index));
    }

    [Fact]
    public void ABatchLargerThanTheSet_IsFilledOverEpochs() =>
        Assert.Equal(20, AspectGroups.Batches([true, false, true], 20, 4, 0).First().Length);
}

public sealed class DetectionLoaderTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Batches_AreTheSame_WhateverTheNumberOfWorkers_AndAfterAResume()
    {
        var images = Images(10);
        var once = Loader(images, workers: 1).Training(3, 0, default).Take(6).ToList();
        var again = Loader(images, workers: 4).Training(3, 2, default).Take(4).ToList();

        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(once[i + 2].Pixels, again[i].Pixels);
            Assert.Equal(once[i + 2].Items, again[i].Items);
            Assert.Equal(
                once[i + 2].Views.SelectMany(view => view.Boxes),
                again[i].Views.SelectMany(view => view.Boxes));
        }

        Assert.True(
            once.SelectMany(batch => batch.Views).Select(view => Math.Min(view.Width, view.Height)).Distinct().Count()
                > 1
        ); // sizes are drawn
    }

    [Fact]
    public void Padding_IsZero_RightAndBelow()
    {
        var views = new[]
        {
            new DetectionView(2, 1, [], [1, 1, 1, 2, 2, 2]),
            new DetectionView(1, 2, [], [3, 3, 3, 4, 4, 4]),
        };
        var batch = new DetectionBatch(views, [default, default]);

        Assert.Equal((2, 2), (batch.Width, batch.Height));
        Assert.Equal([1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 0, 0, 3, 3, 3, 0, 0, 0, 4, 4, 4, 0, 0, 0], batch.Pixels);
    }

    [Fact]
    public void ABrokenImage_IsTold_AndAnotherTakesItsPlace_AndInATestItIsNull()
    {
        var images = Images(4);
        File.WriteAllText(images[2].File, "no image");
        var bad = new List<BadImage>();
        var loader = new DetectionLoader(images, Options, new Normalize([0, 0, 0], [1, 1, 1]), 1, 1)
        {
            BadImageFound = bad.Add,
        };

        var tested = loader.Test(default).ToList();
        Assert.Equal([false, false, true, false], tested.Select(batch => batch is null));
        Assert.All(loader.Training(4, 0, default).Take(2), batch => Assert.Equal(4, batch.Views.Count));
        Assert.Equal("2", bad[0].Name);
    }

    [Fact]
    public void NoReadableImage_IsAnError()
    {
        var images = Images(2);
        File.WriteAllText(images[0].File, "no image");
        File.WriteAllText(images[1].File, "no image");

        Assert.Throws<BrokenImageException>(() => Loader(images, 2).Training(2, 0, default).First());
    }

    private static DetectionViewOptions Options { get; } =
        new()
        {
            ShortSides = [8, 12, 16],
            TestShortSide = 16,
            LongestSide = 32,
        };

    private static DetectionLoader Loader(BoxedImages images, int workers) =>
        new(images, Options, new Normalize([0, 0, 0], [1, 1, 1]), seed: 1, workers);

    private BoxedImages Images(int count) => new("made", ["a"], [.. Enumerable.Range(0, count).Select(i =>
    {
        var (width, height) = i % 3 == 0 ? (20, 10) : (10, 20);
        var pixels = Enumerable.Range(0, 3 * width * height).Select(p => (byte)((p * 7) + (i * 31))).ToArray();
        return new BoxedImage(
            folder.Write($"{i}.png", ImageEncoder.Png(new ImageBuffer(width, height, pixels))),
            $"{i}", width, height, [new ObjectBox(1, 1, 9, 9, 0)]);
    })]);
}
