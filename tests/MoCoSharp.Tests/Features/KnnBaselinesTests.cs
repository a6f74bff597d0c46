using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class KnnBaselinesTests
{
    private static readonly LoaderOptions Loader = new() { Workers = 2 };
    private static readonly KnnOptions Nearest = new() { Neighbors = 1 };

    [Fact]
    public void Pixels_AreMeansOfAreas_MinusTheMeanOfTheImage()
    {
        // Red counts the pixels from 0 to 15; green is 51 everywhere, blue is 0.
        using var batch = Batch(4, pixel => [(byte)pixel, 51, 0]);

        using var pixels = PixelFeatures.Pixels(batch.View, batch.Normalize, side: 2);

        // The four areas have the red means 2.5, 4.5, 10.5 and 12.5; the mean of the image is (7.5 + 51) / 3 = 19.5.
        double[] expected =
        [
            2.5 - 19.5, 51 - 19.5, -19.5, 4.5 - 19.5, 51 - 19.5, -19.5,
            10.5 - 19.5, 51 - 19.5, -19.5, 12.5 - 19.5, 51 - 19.5, -19.5,
        ];
        Assert.Equal([1, 12], pixels.shape);
        Assert.Equal(expected, pixels.data<float>().Select(value => Math.Round(value * 255.0, 3)));
    }

    [Fact]
    public void PixelsOfASideThatDoesNotDivideTheView_AreThoseOfPyTorch()
    {
        var bytes = new byte[7 * 7 * 3];
        new Random(1).NextBytes(bytes);
        using var batch = Batch(7, pixel => bytes[(pixel * 3)..((pixel * 3) + 3)]);
        using var scope = NewDisposeScope();
        var image = tensor(bytes.Select(value => value / 255f).ToArray(), [1, 7, 7, 3]).permute(0, 3, 1, 2);
        var expected = nn.functional.adaptive_avg_pool2d(image, 3).permute(0, 2, 3, 1).reshape(1, 27);

        var pixels = PixelFeatures.Pixels(batch.View, batch.Normalize, side: 3);

        Assert.True(pixels.allclose(expected - expected.mean(), atol: 1e-6));
    }

    [Fact]
    public void TheHistogram_CountsTheColorsOfTheRgbCube_MinusTheirMean()
    {
        // 12 pixels of color (1, 7, 0) of 8 x 8 x 8: 32 to 63, 224 to 255, 0 to 31; 4 of color (0, 0, 7)
        using var batch = Batch(4, pixel => pixel < 12 ? [(byte)(32 + pixel), 255, 31] : [31, 0, 224]);

        using var histogram = PixelFeatures.Histogram(batch.View, batch.Normalize);

        var mean = 16 / 512f;
        var values = histogram.data<float>().ToArray();
        Assert.Equal(512, values.Length);
        Assert.Equal(12 - mean, values[(1 * 64) + (7 * 8)]);
        Assert.Equal(4 - mean, values[7]);
        Assert.Equal(510, values.Count(value => value == -mean));
    }

    [Fact]
    public void Measure_TellsWhichQueriesEachBaselineGetsRight()
    {
        // Classes by color. Query 2 has the color of the other class.
        var bank = Colors([(200, 0, 0, 0), (0, 0, 200, 1)]);
        var queries = Colors([(210, 10, 0, 0), (10, 0, 210, 1), (0, 0, 205, 0), (0, 0, 200, 1)]);

        var scores = KnnBaselines.Measure(bank, queries, View(8), Nearest, Loader);

        Assert.Equal(["raw pixels", "color histogram"], scores.Select(score => score.Name));
        foreach (var score in scores)
        {
            Assert.Equal([0, 1, 2, 3], score.Queries);
            Assert.Equal([true, true, false, true], score.Right);
            Assert.Equal(0.75, score.Accuracy);
        }
    }

    // The same features from the pixels of the data set, and similarities in double precision.
    [Fact]
    public void RawPixelsOfSmallImages_AreJudgedAsByANaiveTwin()
    {
        var bank = new Patterns(40, 16, seed: 1);
        var queries = new Patterns(30, 16, seed: 2);

        var score = KnnBaselines.Measure(bank, queries, View(16), Nearest, Loader)[0];

        var known = Enumerable.Range(0, bank.Count).Select(index => Direction(bank, index)).ToList();
        var expected = Enumerable.Range(0, queries.Count).Select(query =>
        {
            var asked = Direction(queries, query);
            var nearest = Enumerable.Range(0, bank.Count)
                .MaxBy(index => known[index].Zip(asked, (a, b) => a * b).Sum());
            return bank.LabelOf(nearest) == queries.LabelOf(query);
        });
        Assert.Equal(expected, score.Right);
    }

    // All patterns have the same distribution of colors. After averaging they would not: 67 % instead of 9 %.
    [Fact]
    public void ColorsOfASmallerView_TellNothingOfTheStructure()
    {
        var (bank, queries) = (new Patterns(1000, 40, seed: 1), new Patterns(200, 40, seed: 2));

        var scores = KnnBaselines.Measure(bank, queries, View(32), new KnnOptions { Neighbors = 50 }, Loader);

        Assert.InRange(scores[1].Accuracy, 0, 0.2);
        Assert.InRange(scores[0].Accuracy, 0.2, 1);
    }

    [Fact]
    public void TheColorView_SamplesPixelsOfTheCentralSquare()
    {
        // 6 x 4 pixels, red is the column and green the row; of the columns 1 to 4 and the rows 0 to 3 every second
        byte[] pixels = [.. Enumerable.Range(0, 24).SelectMany(i => new[] { (byte)(i % 6), (byte)(i / 6), (byte)0 })];
        var data = new InMemoryImages("one", [0], ["a"], _ => new ImageBuffer(6, 4, [.. pixels]), _ => "image");
        var view = PixelFeatures.ColorView(View(2));

        using var batch = ViewLoader.Evaluate(data, view, Loader, 1).Single();

        Assert.Equal(
            [(2, 1), (4, 1), (2, 3), (4, 3)],
            Enumerable.Range(0, 4).Select(i => (
                (int)view.Normalize.Invert(batch.Query[3 * i], 0),
                (int)view.Normalize.Invert(batch.Query[(3 * i) + 1], 1))));
    }

    [Theory]
    [InlineData(20_000, 8, 8)]
    [InlineData(20_000, 224, 32)]
    [InlineData(20_001, 224, 16)]
    public void TheSide_IsSmallerForManyImages(int images, int view, int side) =>
        Assert.Equal(side, KnnBaselines.Side(Gray(images - 10), Gray(10), View(view)));

    [Fact]
    public void TooManyImages_AreNotRead()
    {
        var bank = Gray(120_000);

        Assert.Empty(KnnBaselines.Measure(bank, Gray(1), View(8), Nearest, Loader));
        Assert.Contains("120001", KnnBaselines.Fault(bank, Gray(1)));
        Assert.Null(KnnBaselines.Fault(bank, Gray(0)));
    }

    [Fact]
    public void Measure_KeepsNoTensors()
    {
        var data = Colors([(200, 0, 0, 0), (0, 0, 200, 1)]);
        KnnBaselines.Measure(data, data, View(8), Nearest, Loader);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        KnnBaselines.Measure(data, data, View(8), Nearest, Loader);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static ViewTransform View(int size) =>
        ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = size });

    private static (ViewBatch View, Normalize Normalize) BatchOf(int side, Func<int, byte[]> pixel)
    {
        byte[] pixels = [.. Enumerable.Range(0, side * side).SelectMany(pixel)];
        var data = new InMemoryImages(
            "one image", [0], ["a"], _ => new ImageBuffer(side, side, [.. pixels]), _ => "image");
        var view = View(side);
        return (ViewLoader.Evaluate(data, view, Loader, 1).Single(), view.Normalize);
    }

    private static OneBatch Batch(int side, Func<int, byte[]> pixel)
    {
        var (view, normalize) = BatchOf(side, pixel);
        return new OneBatch(view, normalize);
    }

    private sealed record OneBatch(ViewBatch View, Normalize Normalize) : IDisposable
    {
        public void Dispose() => View.Dispose();
    }

    // Images of one color on the left half, and black on the right.
    private static InMemoryImages Colors((byte Red, byte Green, byte Blue, int Label)[] images) => new(
        "colors", [.. images.Select(image => image.Label)], ["a", "b"],
        index => new ImageBuffer(8, 8,
        [
            .. Enumerable.Range(0, 64).SelectMany(pixel => pixel % 8 < 4
                ? new[] { images[index].Red, images[index].Green, images[index].Blue }
                : [0, 0, 0]),
        ]),
        index => $"{index}");

    private static InMemoryImages Gray(int count) => new(
        "gray", new int[count], ["a", "b"], _ => throw new InvalidOperationException("was read"), index => $"{index}");

    private static double[] Direction(Patterns data, int index)
    {
        using var image = data.Read(index).Image;
        double[] values = [.. image.Pixels.ToArray().Select(value => value / 255.0)];
        var mean = values.Average();
        var norm = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)));
        return [.. values.Select(value => (value - mean) / norm)];
    }
}
