using MoCoSharp.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Diagnostics;

public sealed class EffectiveRankTests
{
    // numpy: s = svd(Z); p = s / s.sum() + 1e-7; exp(-(p * log(p)).sum())
    [Fact]
    public void RankMe_IsThatOfNumpy()
    {
        using var features = tensor(
            [.. Grid(12, 5).Select(at => Math.Sin(1 + (at.Row * (at.Column + 1) * 0.7)) + (0.3 * at.Column))],
            [12, 5], dtype: float64);

        Assert.Equal(4.303538617660745, EffectiveRank.RankMe(features), 1e-9);
        Assert.Equal(4.303538617660745, EffectiveRank.RankMe(features.t()), 1e-9); // fewer images than dimensions
    }

    // Singular values 3, 1 and 0: shares 3/4 and 1/4. The health figure would take their squares.
    [Fact]
    public void RankMe_OfTwoAxes_IsThatOfTheirSingularValues()
    {
        using var features = tensor(new float[,] { { 3, 0, 0 }, { 0, 1, 0 }, { 0, 0, 0 } });

        var expected = Math.Exp(-((0.75 * Math.Log(0.75)) + (0.25 * Math.Log(0.25))));
        Assert.Equal(expected, EffectiveRank.RankMe(features), 1e-5);
    }

    [Fact]
    public void RankMe_OfOnePoint_IsOne()
    {
        using var same = ones(6, 4);
        using var nothing = zeros(6, 4);

        Assert.Equal(1, EffectiveRank.RankMe(same), 1e-4);
        Assert.Equal(1, EffectiveRank.RankMe(nothing));
    }

    // numpy: eigenvalues of inv(W + 1e-4 I) B, with B and W as means of products
    [Fact]
    public void Lidar_IsThatOfNumpy()
    {
        using var views = tensor(
            [
                .. Enumerable.Range(0, 10 * 4 * 3).Select(at => (I: at / 12, J: at / 3 % 4, K: at % 3)).Select(at =>
                    Math.Sin(1 + (at.I * 1.3 * (at.K + 1))) + (0.2 * Math.Cos((2 * at.J) + at.I + (3 * at.K)))),
            ],
            [10, 4, 3], dtype: float64);

        Assert.Equal(1.2971865794347774, EffectiveRank.Lidar(views), 1e-9);
    }

    // Images differ in two directions alike; in the second, the views of one image differ ten times as much.
    [Fact]
    public void Lidar_CountsADirectionLess_InWhichViewsOfOneImageDiffer()
    {
        random.manual_seed(1);
        using var scope = NewDisposeScope();
        var images = randn([500, 1, 2]);
        var calm = images + (0.1 * randn(500, 8, 2));
        var restless = images + (randn(500, 8, 2) * tensor(new[] { 0.1f, 1 }));

        Assert.InRange(EffectiveRank.Lidar(calm), 1.9, 2);
        Assert.InRange(EffectiveRank.Lidar(restless), 1, 1.2);
        Assert.InRange(EffectiveRank.RankMe(restless.reshape(4000, 2)), 1.9, 2);
    }

    [Fact]
    public void NoTensors_AreKept()
    {
        using var features = rand(9, 5);
        using var views = rand(9, 4, 5);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        EffectiveRank.RankMe(features);
        EffectiveRank.Lidar(views);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static IEnumerable<(int Row, int Column)> Grid(int rows, int columns) =>
        Enumerable.Range(0, rows * columns).Select(at => (at / columns, at % columns));
}
