using MoCoSharp.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Losses;

public sealed class InfoNceTests
{
    private const int Keys = 9000; // more than two blocks, and no whole number of them

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.07)]
    [InlineData(0.2)]
    [InlineData(1)]
    public void Loss_MatchesANaiveLoop(double temperature)
    {
        using var scope = NewDisposeScope();
        var (query, key, queue) = (Unit(1, 3, 4), Unit(2, 3, 4), Unit(3, 5, 4));

        var loss = InfoNce.Loss(query, key, queue, temperature).Loss.item<double>();

        double expected = 0;
        for (var n = 0; n < 3; n++)
        {
            double Dot(Tensor other, int row) =>
                Enumerable.Range(0, 4).Sum(c => query[n, c].item<double>() * other[row, c].item<double>());
            var positive = Math.Exp(Dot(key, n) / temperature);
            var all = positive + Enumerable.Range(0, 5).Sum(k => Math.Exp(Dot(queue, k) / temperature));
            expected -= Math.Log(positive / all) / 3;
        }

        Assert.Equal(expected, loss, 1e-10);
    }

    [Theory]
    [InlineData(0.01, 1, 1e-5)]
    [InlineData(0.07, 1, 1e-5)]
    [InlineData(0.2, 1, 1e-5)]
    [InlineData(0.2, 0.01, 1e-5)]
    [InlineData(0.2, 10, 1e-4)] // logits of 500: their last place in float32 is 3e-5
    [InlineData(0.01, 10, 1e-3)] // logits of 10,000: exp of one is beyond any float
    public void LossAndGradient_MatchThePlainForm(double temperature, double length, double tolerance)
    {
        using var scope = NewDisposeScope();
        var (query, key, queue) = (Unit(1, 24, 32) * length, Unit(2, 24, 32) * length, Unit(3, Keys, 32) * length);
        key = ((0.9 * query) + (0.1 * key)).detach();
        var (expectedLoss, expectedGradient) = Plain(query, key, queue, temperature);

        var narrow = query.to(float32).detach().requires_grad_();
        var loss = InfoNce.Loss(narrow, key.to(float32), queue.to(float32), temperature).Loss;
        loss.backward();

        Assert.True(
            Math.Abs(loss.item<float>() - expectedLoss) <= tolerance * Math.Max(1, expectedLoss),
            $"loss {loss.item<float>()}, expected {expectedLoss}");
        var difference = Golden.Difference(narrow.grad!, expectedGradient);
        Assert.True(difference < tolerance, $"the gradient differs by {difference:G3}");
    }

    [Theory]
    [InlineData(0.07)]
    [InlineData(0.5)]
    public void BatchKeys_AreNegativesOfEveryQueryButTheirOwn(double temperature)
    {
        using var scope = NewDisposeScope();
        var (query, keys, queue) = (Unit(1, 3, 8).requires_grad_(), Unit(2, 6, 8), Unit(3, 5, 8));
        long[] own = [4, 0, 2]; // these processes' queries have keys 4, 0 and 2 of the batch
        var key = keys.index_select(0, tensor(own));

        var loss = InfoNce
            .Loss(query, key, queue, temperature, measuresAccuracy: false, batchKeys: keys, own: tensor(own)).Loss;
        loss.backward();

        var twin = query.detach().clone().requires_grad_();
        var expected = stack([.. Enumerable.Range(0, 3).Select(n =>
        {
            var rows = Enumerable.Range(0, 6).Select(k => (long)k).Except([own[n]]);
            var others = keys.index_select(0, tensor([.. rows]));
            var logits = cat([key.narrow(0, n, 1), queue, others]).mv(twin[n]) / temperature;
            return logits.logsumexp(0) - logits[0];
        })]).mean();
        expected.backward();
        Assert.Equal(expected.item<double>(), loss.item<double>(), 1e-12);
        Assert.True(Golden.Difference(query.grad!, twin.grad!) < 1e-12);
    }

    [Fact]
    public void KeysThatGetEverNearer_MoveTheMaximumAndNotTheResult()
    {
        using var scope = NewDisposeScope();
        var query = Unit(1, 4, 8);
        // the highest logit of each block is above that of the one before
        var nearness = linspace(-1, 1, Keys, dtype: float64).unsqueeze(1);
        var queue = nearness * query[0].unsqueeze(0);
        var (expectedLoss, expectedGradient) = Plain(query, Unit(2, 4, 8), queue, 0.01);

        var leaf = query.detach().requires_grad_();
        var loss = InfoNce.Loss(leaf, Unit(2, 4, 8), queue, 0.01).Loss;
        loss.backward();

        Assert.Equal(expectedLoss, loss.item<double>(), 1e-9);
        Assert.True(Golden.Difference(leaf.grad!, expectedGradient) < 1e-9);
    }

    [Fact]
    public void AQueueInBf16_GivesTheLossOfItsRoundedKeys()
    {
        using var scope = NewDisposeScope();
        var (query, key, queue) = (Unit(1, 24, 32), Unit(2, 24, 32), Unit(3, Keys, 32).to(bfloat16));
        var (expectedLoss, expectedGradient) = Plain(query, key, queue.to(float64), 0.07);

        var narrow = query.to(float32).detach().requires_grad_();
        var loss = InfoNce.Loss(narrow, key.to(float32), queue, 0.07).Loss;
        loss.backward();

        Assert.Equal(expectedLoss, loss.item<float>(), 2e-3);
        Assert.True(Golden.Difference(narrow.grad!, expectedGradient) < 1e-2);
    }

    [Fact]
    public void Loss_OfUninformativeFeatures_IsTheLogarithmOfTheChoices()
    {
        using var scope = NewDisposeScope();
        var same = nn.functional.normalize(ones(2, 8), dim: 1);

        var loss = InfoNce.Loss(same, same, same.narrow(0, 0, 1).repeat(4096, 1), 0.1).Loss.item<float>();

        Assert.Equal(8.3180, loss, 1e-3); // ln(4096 + 1)
    }

    [Fact]
    public void Gradient_ReachesTheQueryAlone_AndOutlivesTheQueuesKeys()
    {
        using var scope = NewDisposeScope();
        var query = Unit(1, 3, 4).requires_grad_();
        var (key, queue) = (Unit(2, 3, 4), Unit(3, 5, 4));
        var (_, expected) = Plain(query.detach(), key, queue, 0.2);

        var loss = InfoNce.Loss(query, key, queue, 0.2).Loss;
        queue.fill_(7); // as an enqueue would, before the backward pass
        loss.backward();

        Assert.True(Golden.Difference(query.grad!, expected) < 1e-12);
        Assert.Null(queue.grad);
        Assert.Null(key.grad);
    }

    [Fact]
    public void Accuracy_CountsKeysNearerThanTheOwnOne()
    {
        using var scope = NewDisposeScope();
        var query = ones(4, 1);
        var key = tensor(new float[] { 9, 6, 5, 1 }, 4, 1);
        // nearer than the own one: 0, 1 (6 itself ties), 2, 6
        var queue = tensor(new float[] { 2, 3, 4, 5, 6, 7 }, 6, 1);

        var accuracy = InfoNce.Loss(query, key, queue, 1, measuresAccuracy: true).Accuracy!;

        Assert.Equal([0.25f, 0.75f], accuracy.data<float>().ToArray());
        Assert.Null(InfoNce.Loss(query, key, queue, 1).Accuracy);
    }

    [Fact]
    public void Loss_LeavesTwoLiveTensors()
    {
        using var scope = NewDisposeScope();
        var (query, key, queue) = (Unit(1, 3, 4).requires_grad_(), Unit(2, 3, 4), Unit(3, Keys, 4));
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        InfoNce.Loss(query, key, queue, 0.2, measuresAccuracy: true);

        Assert.Equal(2, DisposeScopeManager.Statistics.ThreadTotalLiveCount - before);
    }

    [Fact]
    public void Loss_OfShapesThatDoNotFit_SaysWhatWasExpected()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => InfoNce.Loss(rand(3, 4), rand(3, 5), rand(6, 4), 0.2));
        Assert.Contains("[3, 5]", error.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => InfoNce.Loss(rand(3, 4), rand(3, 4), rand(6, 4), 0));
    }

    // As the official code: all logits side by side, cross entropy with the positive as class 0, and autograd.
    private static (double Loss, Tensor Gradient) Plain(Tensor query, Tensor key, Tensor queue, double temperature)
    {
        var leaf = query.detach().requires_grad_();
        var logits = cat([(leaf * key).sum(1, keepdim: true), leaf.mm(queue.t())], dim: 1) / temperature;
        var loss = nn.functional.cross_entropy(logits, zeros(query.shape[0], dtype: int64));
        loss.backward();
        return (loss.item<double>(), leaf.grad!);
    }

    private static Tensor Unit(int seed, int rows, int size) =>
        nn.functional.normalize(Golden.View(seed, 0, float64, rows, size), dim: 1);
}
