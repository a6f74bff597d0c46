using MoCoSharp.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class InfoNceTests
{
    [Theory]
    [InlineData(0.07)]
    [InlineData(0.2)]
    [InlineData(1)]
    public void Loss_MatchesANaiveLoop(double temperature)
    {
        using var scope = NewDisposeScope();
        var (query, key, queue) = (Unit(1, 3, 4), Unit(2, 3, 4), Unit(3, 5, 4));

        var loss = InfoNce.Loss(InfoNce.Logits(query, key, queue, temperature)).item<double>();

        double expected = 0;
        for (var n = 0; n < 3; n++)
        {
            double Dot(Tensor other, int row) => Enumerable.Range(0, 4).Sum(c => query[n, c].item<double>() * other[row, c].item<double>());
            var positive = Math.Exp(Dot(key, n) / temperature);
            var all = positive + Enumerable.Range(0, 5).Sum(k => Math.Exp(Dot(queue, k) / temperature));
            expected -= Math.Log(positive / all) / 3;
        }

        Assert.Equal(expected, loss, 1e-10);
    }

    [Fact]
    public void Loss_OfUninformativeFeatures_IsTheLogarithmOfTheChoices()
    {
        using var scope = NewDisposeScope();
        var same = nn.functional.normalize(ones(2, 8), dim: 1);

        var loss = InfoNce.Loss(InfoNce.Logits(same, same, same.narrow(0, 0, 1).repeat(4096, 1), 0.1)).item<float>();

        Assert.Equal(8.3180, loss, 1e-3); // ln(4096 + 1)
    }

    [Fact]
    public void Gradient_ReachesTheQueryAlone()
    {
        using var scope = NewDisposeScope();
        var query = Unit(1, 3, 4).requires_grad_();
        var (key, queue) = (Unit(2, 3, 4), Unit(3, 5, 4));

        InfoNce.Loss(InfoNce.Logits(query, key, queue, 0.2)).backward();

        Assert.NotNull(query.grad);
        Assert.Null(queue.grad);
    }

    [Fact]
    public void Accuracy_CountsQueriesNearestToTheirKey()
    {
        using var scope = NewDisposeScope();
        using var logits = tensor(new float[,] { { 3, 1, 2 }, { 1, 2, 0 }, { 5, 4, 4 }, { 0, 0, 1 } });

        Assert.Equal(0.5, InfoNce.Accuracy(logits).item<float>());
    }

    [Fact]
    public void Logits_OfShapesThatDoNotFit_SayWhatWasExpected()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => InfoNce.Logits(rand(3, 4), rand(3, 5), rand(6, 4), 0.2));
        Assert.Contains("[3, 5]", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => InfoNce.Logits(rand(3, 4), rand(3, 4), rand(6, 4), 0));
    }

    private static Tensor Unit(int seed, int rows, int size) => nn.functional.normalize(Golden.View(seed, 0, float64, rows, size), dim: 1);
}
