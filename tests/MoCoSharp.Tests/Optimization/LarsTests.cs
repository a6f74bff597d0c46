using MoCoSharp.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Optimization;

public sealed class LarsTests
{
    // w = (3, 4) of length 5, g = (0, 2), weight decay 0.5: g + 0.5 w = (1.5, 4), of length sqrt(18.25).
    [Theory]
    [InlineData(TrustRatio.NormOfSum, 0.1 * 5 / 4.272001872658766)]   // η ‖w‖ / ‖g + 0.5 w‖
    [InlineData(TrustRatio.SumOfNorms, 0.1 * 5 / (2 + (0.5 * 5)))]    // η ‖w‖ / (‖g‖ + 0.5 ‖w‖)
    public void TwoSteps_MatchAHandComputation(TrustRatio trustRatio, double trust)
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(tensor(new double[,] { { 3, 4 } }));
        using var optimizer = new Lars([("w", weight)], momentum: 0.9, weightDecay: 0.5, coefficient: 0.1, trustRatio);

        (weight[0][1] * 2).backward();
        optimizer.Step(0.2); // v = 0.2 trust (1.5, 4)
        var (a, b) = (0.2 * trust * 1.5, 0.2 * trust * 4);
        Assert.Equal(3 - a, weight[0][0].item<double>(), 12);
        Assert.Equal(4 - b, weight[0][1].item<double>(), 12);

        optimizer.ClearGradients();
        optimizer.Step(0.7); // without a gradient a parameter rests
        Assert.Equal(3 - a, weight[0][0].item<double>(), 12);

        (weight[0][1] * 2).backward();
        var (x, y) = (3 - a, 4 - b);
        var (gx, gy) = (0.5 * x, 2 + (0.5 * y));
        var length = Math.Sqrt((x * x) + (y * y));
        var again =
            0.1 * length / (trustRatio == TrustRatio.NormOfSum ? Math.Sqrt((gx * gx) + (gy * gy)) : 2 + (0.5 * length));
        optimizer.Step(0.05); // the rate is inside the velocity: the old one counts at its own
        Assert.Equal(x - ((0.9 * a) + (0.05 * again * gx)), weight[0][0].item<double>(), 12);
        Assert.Equal(y - ((0.9 * b) + (0.05 * again * gy)), weight[0][1].item<double>(), 12);
    }

    [Fact]
    public void BiasAndNormalisation_TakePlainSteps()
    {
        using var scope = NewDisposeScope();
        var bias = new Parameter(tensor([2.0]));
        using var optimizer = new Lars(
            [("b", bias)], momentum: 0.9, weightDecay: 0.5, coefficient: 0.001, TrustRatio.NormOfSum);

        (bias * 3).sum().backward();
        optimizer.Step(0.1);

        Assert.Equal(2 - (0.1 * 3), bias.item<double>(), 12); // no decay, trust 1
    }

    [Theory]
    [InlineData(TrustRatio.NormOfSum)]
    [InlineData(TrustRatio.SumOfNorms)]
    public void AZeroNorm_TrustsFully(TrustRatio trustRatio)
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(zeros(1, 2, dtype: float64));
        using var optimizer = new Lars([("w", weight)], momentum: 0, weightDecay: 0.5, coefficient: 0.001, trustRatio);

        (weight * 3).sum().backward();
        optimizer.Step(0.1);

        Assert.Equal(-0.3, weight[0][0].item<double>(), 12);
    }

    [Fact]
    public void AnUnknownTrustRatio_IsRefused() =>
        Assert.Contains(
            "norm-of-sum or sum-of-norms",
            Assert.Throws<ArgumentException>(() => new Lars([], 0.9, 0, 0.001, (TrustRatio)9)).Message);
}
