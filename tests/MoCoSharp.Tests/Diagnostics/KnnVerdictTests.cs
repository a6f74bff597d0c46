using MoCoSharp.Diagnostics;
using MoCoSharp.Features;

namespace MoCoSharp.Tests.Diagnostics;

public sealed class KnnVerdictTests
{
    // 100 queries; the encoder has the first 60. Wilson's interval of 60 of 100: 50.2 to 69.1.
    private static readonly KnnScore Encoder = First(60, "encoder");

    // A baseline with the first 20 differs in 40 queries, all for the encoder.
    [Fact]
    public void BetterThanAll_IsWorthIt() =>
        Assert.Equal(
            "worth it: kNN 60.0 % (50.2 to 69.1) is better than raw pixels 30.0, the untrained encoder 20.0 and " +
            "a color histogram 10.0; 95 % intervals, differences paired over 100 queries.",
            KnnVerdict.Sentence(
                Encoder, [First(20, "untrained encoder"), First(30, "raw pixels"), First(10, "color histogram")]));

    [Fact]
    public void WithoutRawPixels_NothingIsCalledWorthIt()
    {
        KnnScore[] baselines = [First(20, "untrained encoder")];

        Assert.StartsWith(
            "so far, without raw pixels: kNN 60.0 % (50.2 to 69.1) is better than the untrained encoder 20.0",
            KnnVerdict.Sentence(Encoder, baselines));
        Assert.Equal("better than the untrained encoder", KnnVerdict.Words(Encoder, baselines));
    }

    // 58 of the same queries: 2 queries differ. (2.5 - 0.5) / 102 = 1.96 %, +- 1.96 x 0.01686 = 3.30 %.
    [Fact]
    public void ADifferenceWithinTheInterval_IsNoBetter() =>
        Assert.Equal(
            "not worth it yet: kNN 60.0 % (50.2 to 69.1) is no better than raw pixels 58.0 (difference +2.0, -1.3 to " +
            "5.3), but better than the given weights 20.0; 95 % intervals, differences paired over 100 queries.",
            KnnVerdict.Sentence(Encoder, [First(20, "given weights"), First(58, "raw pixels")]));

    // 90 against 60: 30 queries. (0.5 - 30.5) / 102 = -29.4 %, +- 9.0 %.
    [Fact]
    public void WorseThanABaseline_IsToldFirst()
    {
        KnnScore[] baselines = [First(20, "untrained encoder"), First(90, "raw pixels")];

        Assert.StartsWith(
            "not worth it yet: kNN 60.0 % (50.2 to 69.1) is worse than raw pixels 90.0 (difference -30.0, " +
            "-38.5 to -20.4), but better than the untrained encoder 20.0",
            KnnVerdict.Sentence(Encoder, baselines));
        Assert.Equal("worse than raw pixels", KnnVerdict.Words(Encoder, baselines));
    }

    [Fact]
    public void WordsForATable_NameTheStrongestBaselineThatIsNotBeaten()
    {
        Assert.Equal("better than all baselines", KnnVerdict.Words(Encoder, [First(20, "raw pixels")]));
        Assert.Equal(
            "no better than the untrained encoder",
            KnnVerdict.Words(Encoder, [First(20, "raw pixels"), First(59, "untrained encoder")]));
    }

    private static KnnScore First(int right, string name) =>
        new(name, [.. Enumerable.Range(0, 100)], [.. Enumerable.Range(0, 100).Select(query => query < right)]);
}
