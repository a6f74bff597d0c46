using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public class PatternsTests
{
    [Fact]
    public void Patterns_AreTheSameAgain_AndOthersForAnotherSeedOrIndex()
    {
        var pixels = new Patterns(100, 40, seed: 1).Read(7).Image.Pixels;

        Assert.Equal(pixels, new Patterns(50, 40, seed: 1).Read(7).Image.Pixels);
        Assert.NotEqual(pixels, new Patterns(100, 40, seed: 2).Read(7).Image.Pixels);
        Assert.NotEqual(pixels, new Patterns(100, 40, seed: 1).Read(17).Image.Pixels);
    }

    [Theory]
    [InlineData(25, true)]
    [InlineData(90_000, false)] // of 16 x 16 x 3 bytes: 69 MB, and at most 64 MiB are kept
    public void Patterns_ReadTwice_AreThoseOfAFreshSet_AndOnlySmallSetsKeepThem(int count, bool areKept)
    {
        var set = new Patterns(count, 16, seed: 1);
        int[] indices = [0, 1, 2, 3, 1, 0];

        var read = indices.Select(index => set.Read(index).Image.Pixels).ToList();

        Assert.Equal(indices.Select(index => new Patterns(count, 16, seed: 1).Read(index).Image.Pixels), read);
        Assert.NotEqual(read[0], read[1]);
        Assert.NotEqual(read[2], read[3]);
        Assert.Equal(areKept, ReferenceEquals(read[0], read[5]));
        Assert.Equal(areKept, ReferenceEquals(read[1], read[4]));
    }

    [Fact]
    public void Patterns_LabelIsIndexModTen()
    {
        var set = new Patterns(25, 16, seed: 1);

        Assert.Equal(10, set.ClassNames.Distinct().Count());
        Assert.All(Enumerable.Range(0, 25), i => Assert.Equal((i % 10, i % 10), (set.LabelOf(i), set.Read(i).Label)));
        Assert.Equal(16, set.Read(24).Image.Width);
    }

    [Fact]
    public void Patterns_AverageColourTellsNothing()
    {
        var set = new Patterns(200, 40, seed: 1);
        for (var channel = 0; channel < 3; channel++)
        {
            var means = Enumerable
                .Range(0, set.Count)
                .Select(i => set.Read(i).Image.Pixels.Where((_, at) => at % 3 == channel).Average(value => value))
                .ToList();

            // What is left is the noise's mean: 12 / sqrt(1600) = 0.3.
            Assert.InRange(means.Max() - means.Min(), 0, 2.5);
        }
    }

    [Fact]
    public void Patterns_OutOfTheirCount_AreRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Patterns(5, 40, seed: 1).Read(5));
}
