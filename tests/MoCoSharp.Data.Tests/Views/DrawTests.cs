using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

/// <summary>The draws of each operation, in distribution. Bounds are at 4.5 standard errors or more.</summary>
public sealed class DrawTests
{
    private const int Draws = 40_000;

    [Fact]
    public void Crop_OfASquare_HasUniformAreaAndLogUniformRatio()
    {
        // Of a large square nearly all tries fit if the area stays below 3/4, so the draws are the nominal ones.
        var crop = new RandomResizedCrop(32, 0.2, 0.7);
        var areas = new List<double>();
        var logRatios = new List<double>();
        foreach (var draw in Draw(random => crop.Draw(1000, 1000, ref random)))
        {
            areas.Add(draw.Width * draw.Height / 1e6);
            logRatios.Add(Math.Log((double)draw.Width / draw.Height));
        }

        AssertUniform(areas, 0.2, 0.7, slack: 0.002);
        AssertUniform(logRatios, Math.Log(3.0 / 4), Math.Log(4.0 / 3), slack: 0.005);
    }

    [Fact]
    public void Crop_LiesInTheImageAndReachesAllPlaces()
    {
        var crop = new RandomResizedCrop(32, 0.08);
        var lefts = new List<double>();
        var tops = new List<double>();
        foreach (var draw in Draw(random => crop.Draw(500, 375, ref random)))
        {
            Assert.InRange(draw.Top, 0, 375 - draw.Height);
            Assert.InRange(draw.Left, 0, 500 - draw.Width);
            Assert.InRange(draw.Width * draw.Height, 0.079 * 500 * 375, 500 * 375);
            if (draw.Width <= 400 && draw.Height <= 300)
            {
                // A whole number of n + 1 places becomes uniform in [0, 1] by its middle.
                lefts.Add((draw.Left + 0.5) / (500 - draw.Width + 1));
                tops.Add((draw.Top + 0.5) / (375 - draw.Height + 1));
            }
        }

        AssertUniform(lefts, 0, 1, slack: 0);
        AssertUniform(tops, 0, 1, slack: 0);
    }

    [Theory]
    [InlineData(1, 1, 0, 0, 1, 1)]
    [InlineData(1000, 10, 0, 493, 10, 13)] // too wide for any try: ratio 4/3 in the middle
    [InlineData(10, 1000, 493, 0, 13, 10)] // too high: ratio 3/4
    public void Crop_OfAnImageThatNoTryFits_IsCentral(
        int width, int height, int top, int left, int cropHeight, int cropWidth)
    {
        var crop = new RandomResizedCrop(8, 0.9);
        foreach (var draw in Draw(random => crop.Draw(width, height, ref random)).Take(200))
        {
            Assert.Equal(new CropDraw(top, left, cropHeight, cropWidth), draw);
        }
    }

    [Fact]
    public void Jitter_HasEachOfThe24OrdersAsOften()
    {
        var jitter = new ColorJitter(0.4, 0.4, 0.4, 0.1);
        var counts = Draw(random => jitter.Draw(ref random).Order)
            .GroupBy(order => order)
            .ToDictionary(group => group.Key, group => group.Count());

        Assert.Equal(24, counts.Count);
        Assert.All(
            counts.Keys,
            order => Assert.Equal(4, new[] { order.First, order.Second, order.Third, order.Fourth }.Distinct().Count())
        );
        var expected = Draws / 24.0;
        var chiSquare = counts.Values.Sum(count => (count - expected) * (count - expected) / expected);
        Assert.InRange(chiSquare, 0, 60); // 23 degrees of freedom: mean 23, p = 4e-5 at 60
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.4)]
    public void Jitter_FactorsAreUniformInTheirRange(double hue)
    {
        var jitter = new ColorJitter(0.4, 0.3, 1.5, hue);
        var draws = Draw(random => jitter.Draw(ref random)).ToList();
        AssertUniform(draws.ConvertAll(draw => draw.Brightness), 0.6, 1.4);
        AssertUniform(draws.ConvertAll(draw => draw.Contrast), 0.7, 1.3);
        AssertUniform(draws.ConvertAll(draw => draw.Saturation), 0, 2.5);
        AssertUniform(draws.ConvertAll(draw => draw.Hue), -hue, hue);
    }

    [Fact]
    public void Operations_AreAppliedAsOftenAsTheirProbability()
    {
        var jitter = new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8);
        var blur = new GaussianBlur(0.1, 2, 0.5);
        AssertShare(0.8, Draw(random => jitter.Draw(ref random).Applied));
        AssertShare(0.2, Draw(random => new RandomGrayscale(0.2).Draw(ref random)));
        AssertShare(0.5, Draw(random => blur.Draw(ref random).Applied));
        AssertShare(0.5, Draw(random => new HorizontalFlip().Draw(ref random)));
        AssertUniform([.. Draw(random => blur.Draw(ref random).Sigma)], 0.1, 2);
        Assert.All(
            Draw(random => new ColorJitter(0.4, 0.4, 0.4, 0.4).Draw(ref random)),
            draw => Assert.True(draw.Applied));
    }

    private static IEnumerable<T> Draw<T>(Func<SampleRandom, T> draw)
    {
        for (var image = 0; image < Draws; image++)
        {
            yield return draw(new SampleRandom(seed: 11, epoch: 0, image, view: 0));
        }
    }

    private static void AssertShare(double probability, IEnumerable<bool> draws) =>
        Assert.Equal(
            probability,
            draws.Average(draw => draw ? 1.0 : 0),
            4.5 * Math.Sqrt(probability * (1 - probability) / Draws));

    // Kolmogorov and Smirnov: the greatest distance between the two distribution functions.
    private static void AssertUniform(List<double> values, double low, double high, double slack = 0)
    {
        values.Sort();
        var distance = 0.0;
        for (var i = 0; i < values.Count; i++)
        {
            distance = Math.Max(distance, Math.Abs(((i + 0.5) / values.Count) - ((values[i] - low) / (high - low))));
        }

        Assert.InRange(values[0], low - (slack * (high - low)), high);
        Assert.InRange(values[^1], low, high + (slack * (high - low)));
        Assert.InRange(distance, 0, (2.2 / Math.Sqrt(values.Count)) + slack); // p = 1e-4
    }
}
