using MoCoSharp.Distributed;
using MoCoSharp.Losses;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class MemoryBankTests
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Small,
        Head = EncoderHead.Linear,
    };

    [Fact]
    public void AnUpdate_MixesAndNormalises_AndLeavesTheOthers()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        using var bank = new FeatureBank(3, 2, random);
        using (no_grad())
        {
            bank.Features.copy_(tensor(new float[,] { { 1, 0 }, { 0, 1 }, { 1, 0 } }));
        }

        bank.Update(
            tensor([2L]),
            tensor(
                new float[,]
                {
                    { 0, 1 },
                }),
            momentum: 0.75
        ); // (0.75, 0.25) of length sqrt(0.625)

        Assert.Equal([1f, 0f, 0f, 1f], bank.Features.narrow(0, 0, 2).data<float>().ToArray());
        Assert.Equal(0.75 / Math.Sqrt(0.625), bank.Features[2][0].item<float>(), 1e-6);
        Assert.Equal(0.25 / Math.Sqrt(0.625), bank.Features[2][1].item<float>(), 1e-6);
    }

    [Fact]
    public void Nce_MatchesANaiveLoopInDoublePrecision()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var query = nn.functional.normalize(randn([3, 4], dtype: float64, generator: random), dim: 1).requires_grad_();
        var bank = nn.functional.normalize(randn([6, 4], dtype: float64, generator: random), dim: 1);
        long[] images = [5, 0, 2];
        long[][] draws = [[1, 5], [2, 2], [3, 4]];
        const double z = 20, tau = 0.3;

        var (loss, accuracy) = InstDiscNce.Loss(
            query, bank, tensor(images),
            stack([.. draws.Select(row => tensor(row))]),
            tensor([z]),
            tau,
            measuresAccuracy: true);
        loss.backward();

        Assert.Equal(Naive(query.detach()), loss.item<double>(), 1e-12);
        for (var i = 0; i < 3; i++)
        {
            for (var c = 0; c < 4; c++)
            {
                using var moved = query.detach().clone();
                moved[i, c] = moved[i, c].add(Tensors(1e-6));
                var above = Naive(moved);
                moved[i, c] = moved[i, c].sub(Tensors(2e-6));
                Assert.Equal((above - Naive(moved)) / 2e-6, query.grad![i, c].item<double>(), 1e-6);
            }
        }

        var first = Enumerable
            .Range(0, 3)
            .Count(i =>
                draws[i].All(draw => Similarity(query.detach(), i, draw) <= Similarity(query.detach(), i, images[i])));
        Assert.Equal(first / 3.0, accuracy![0].item<float>(), 1e-6);

        double Similarity(Tensor values, int i, long image) => values[i].dot(bank[image]).item<double>();

        // h = P / (P + K / M), the probability that a feature is the image's own.
        double Naive(Tensor values) => Enumerable.Range(0, 3).Sum(i =>
        {
            double P(long image) => Math.Exp(Similarity(values, i, image) / tau) / z;
            const double noise = 2 / 6.0;
            return -Math.Log(P(images[i]) / (P(images[i]) + noise + 1e-7))
                - draws[i].Sum(draw => Math.Log(noise / (P(draw) + noise + 1e-7)));
        }) / 3;

        static Tensor Tensors(double value) => tensor(value, dtype: float64);
    }

    [Fact]
    public void Draws_AreAFunctionOfSeedStepAndQuery_AllOverTheData()
    {
        using var first = Create(seed: 1);
        using var again = Create(seed: 1);
        using var other = Create(seed: 2);

        Assert.Equal(first.Draws(3, 0), again.Draws(3, 0));
        Assert.NotEqual(first.Draws(3, 0), first.Draws(4, 0));
        Assert.NotEqual(first.Draws(3, 0), first.Draws(3, 1));
        Assert.NotEqual(first.Draws(3, 0), other.Draws(3, 0));
        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), first.Draws(0, 0).Distinct().Order());
    }

    [Fact]
    public void AStep_RemembersItsImagesAlone()
    {
        using var scope = NewDisposeScope();
        using var method = Create(seed: 1);
        var before = method.Bank.Features.clone();

        method.Prepare(new StepSamples([7, 3], [0, 0]));
        method.BeforeStep(0);
        var output = method.call(Golden.View(0, 0, float32, 2, 3, 16, 16), Golden.View(0, 0, float32, 2, 3, 16, 16));
        method.Backward(output);
        method.AfterBackward(output);

        var moved = (method.Bank.Features - before).abs().sum([1]).data<float>().ToArray();
        Assert.Equal([3, 7], Enumerable.Range(0, 10).Where(i => moved[i] > 0));
        var expected = nn.functional.normalize(
            before[7].mul(tensor(0.5f)).add(output.Keys[0].mul(tensor(0.5f))),
            dim: 0);
        Assert.True(Golden.Difference(method.Bank.Features[7], expected) < 1e-6);
    }

    [Fact]
    public void AStep_MustKnowItsImages()
    {
        using var scope = NewDisposeScope();
        using var method = Create(seed: 1);
        Assert.Contains(
            "call Prepare",
            Assert
                .Throws<InvalidOperationException>(() =>
                    method.call(Golden.View(0, 0, float32, 2, 3, 16, 16), zeros(1)))
                .Message);
    }

    private static MemoryBank Create(long seed)
    {
        var method = MemoryBank.Create(
            Narrow,
            new MemoryBankOptions { Dimension = 8, Negatives = 200 },
            images: 10, bnGroups: 1, seed, SingleProcess.Instance);
        method.train();
        return method;
    }
}
