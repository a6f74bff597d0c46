using MoCoSharp.Features;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class ClassificationScoresTests
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e", "f"];

    [Fact]
    public void EveryImageCountsOnce_ThoughTheLastBatchIsShorter()
    {
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(["a", "b"]);
        scores.Add(tensor(new float[,] { { 1, 0 }, { 1, 0 }, { 0, 1 } }), [0, 0, 0]); // 2 of 3
        scores.Add(tensor(new float[,] { { 0, 1 } }), [1]);                            // 1 of 1

        Assert.Equal(0.75, scores.Top1); // the mean of the batches' means would be 0.83
        Assert.Equal((2.0 / 3), scores.AccuracyOf(0), 1e-12);
        Assert.Equal((5.0 / 6), scores.MeanClassAccuracy, 1e-12);
        Assert.Equal([2, 1, 0, 1], scores.Confusion.Cast<long>());
    }

    [Fact]
    public void TopFive_HoldsTheFiveHighest_AndTiesRankByClass()
    {
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(Names);
        var ordered = tensor(new float[,] { { 6, 5, 4, 3, 2, 1 } });
        scores.Add(ordered, [4]);
        Assert.Equal((0, 1), (scores.Top1, scores.Top5));
        scores.Add(ordered, [5]);
        Assert.Equal(0.5, scores.Top5);
        scores.Add(zeros(1, 6), [0]); // all equal: the first class is the prediction, the sixth is out
        scores.Add(zeros(1, 6), [5]);
        Assert.Equal((0.25, 0.5), (scores.Top1, scores.Top5));
    }

    [Fact]
    public void ImagesWithoutALabel_DoNotCount_AndNoNumbersAreRefused()
    {
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(Names);
        scores.Add(zeros(2, 6), [-1, 0]);
        Assert.Equal(1, scores.Count);
        Assert.Contains(
            "score of class b",
            Assert
                .Throws<InvalidDataException>(() =>
                    scores.Add(
                        tensor(
                            new float[,]
                            {
                                { 0, float.NaN, 0, 0, 0, 0 },
                            }),
                        [0]))
                .Message);
        Assert.Throws<ArgumentException>(() => scores.Add(zeros(1, 6), [6]));
        Assert.Throws<ArgumentException>(() => scores.Add(zeros(1, 5), [0]));
    }

    [Fact]
    public void TheInterval_IsWilsons()
    {
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(["a", "b"]);
        scores.Add(
            cat([
                tensor(
                        new float[,]
                        {
                            { 1, 0 },
                        })
                    .expand(8, 2),
                tensor(
                        new float[,]
                        {
                            { 0, 1 },
                        })
                    .expand(2, 2),
            ]),
            new int[10]);

        // p = 0.8, n = 10: (0.8 + 3.8415/20 -+ 1.96 sqrt(0.016 + 3.8415/400)) / (1 + 0.38415)
        Assert.Equal(0.4902, scores.Interval.Low, 1e-4);
        Assert.Equal(0.9433, scores.Interval.High, 1e-4);
        Assert.Equal((0, 1), new ClassificationScores(["a"]).Interval);
    }
}
