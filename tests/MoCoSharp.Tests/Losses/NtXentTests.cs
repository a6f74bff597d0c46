using System.Collections.Concurrent;
using MoCoSharp.Distributed;
using MoCoSharp.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Losses;

public sealed class NtXentTests
{
    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(1, 10)]
    [InlineData(2, 0.1)]
    [InlineData(2, 1)]
    [InlineData(8, 0.1)]
    [InlineData(8, 1)]
    [InlineData(8, 10)]
    public void LossAndGradient_MatchANaiveLoopInDoublePrecision(int count, double temperature)
    {
        using var scope = NewDisposeScope();
        var (first, second) = Views(count);

        var (loss, accuracy) = NtXent.Loss(first, second, temperature, measuresAccuracy: true);
        loss.backward();

        var all = Rows(first).Concat(Rows(second)).ToArray();
        Assert.Equal(Naive(all, temperature), loss.item<double>(), 1e-12);
        var gradient = Rows(first.grad!).Concat(Rows(second.grad!)).ToArray();
        for (var row = 0; row < all.Length; row++)
        {
            for (var column = 0; column < all[0].Length; column++)
            {
                const double step = 1e-6; // central differences of the naive loop
                var kept = all[row][column];
                all[row][column] = kept + step;
                var above = Naive(all, temperature);
                all[row][column] = kept - step;
                var below = Naive(all, temperature);
                all[row][column] = kept;
                Assert.Equal((above - below) / (2 * step), gradient[row][column], 1e-7);
            }
        }

        var nearest = Enumerable.Range(0, all.Length).Count(i =>
        {
            var partner = (i + count) % all.Length;
            return Enumerable
                .Range(0, all.Length)
                .All(j => j == i || j == partner || Dot(all[i], all[j]) <= Dot(all[i], all[partner]));
        });
        Assert.Equal(nearest / (double)all.Length, accuracy![0].item<float>(), 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public void IdenticalDirections_GiveTheLogarithmOfTheOthers(int count)
    {
        using var scope = NewDisposeScope();
        var views = nn.functional.normalize(ones(count, 3, dtype: float64), dim: 1);

        Assert.Equal(Math.Log((2 * count) - 1), NtXent.Loss(views, views, 0.5).Loss.item<double>(), 1e-12);
    }

    [Fact]
    public void BlocksOfRows_AreTheSameAsOne()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var first = nn
            .functional.normalize(randn([700, 4], dtype: float64, generator: random), dim: 1)
            .requires_grad_(); // 1,400 x 1,400 logits: two blocks
        var second = nn.functional.normalize(randn([700, 4], dtype: float64, generator: random), dim: 1);

        var loss = NtXent.Loss(first, second, 0.3).Loss;
        loss.backward();

        var twin = first.detach().clone().requires_grad_();
        var all = cat([twin, second]);
        var logits = all.mm(all.t()).div(0.3).masked_fill(eye(1400, dtype: torch.@bool), double.NegativeInfinity);
        var expected = nn.functional.cross_entropy(logits, arange(1400, dtype: int64).add(700).remainder(1400));
        expected.backward();
        Assert.Equal(expected.item<double>(), loss.item<double>(), 1e-10);
        Assert.True(Golden.Difference(first.grad!, twin.grad!) < 1e-10);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Ranks_AreTheSameComputationAsOne(int ranks)
    {
        using var scope = NewDisposeScope();
        var (first, second) = Views(8);
        var alone = NtXent.Loss(first, second, 0.2).Loss;
        alone.backward();

        var losses = new ConcurrentDictionary<int, double>();
        var gradients = new ConcurrentDictionary<int, Tensor>();
        ThreadGroup.Run(ranks, group =>
        {
            using var mine = NewDisposeScope();
            var share = BatchOrder.LocalShard(group, first.detach()).clone().requires_grad_();
            var other = BatchOrder.LocalShard(group, second.detach()).clone();
            var loss = NtXent.Loss(share, other, 0.2, group).Loss;
            loss.backward();
            losses[group.Rank] = loss.item<double>();
            // as TrainingStep averages over ranks
            gradients[group.Rank] = share.grad!.div(ranks).DetachFromDisposeScope();
        });

        Assert.Equal(alone.item<double>(), losses.Values.Average(), 1e-12);
        for (var rank = 0; rank < ranks; rank++)
        {
            Assert.True(Golden.Difference(gradients[rank], first.grad!.slice(0, rank, 8, ranks)) < 1e-12);
        }
    }

    [Fact]
    public void NoTensor_IsLeftBehind()
    {
        using var scope = NewDisposeScope();
        var (first, second) = Views(8);
        NtXent.Loss(first, second, 0.2, measuresAccuracy: true).Loss.Dispose();
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (NewDisposeScope())
        {
            NtXent.Loss(first, second, 0.2, measuresAccuracy: true).Loss.backward();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void WhatDoesNotFit_IsRefused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains(
            "[2, 3]",
            Assert.Throws<ArgumentException>(() => NtXent.Loss(ones(2, 3), ones(3, 3), 1)).Message);
        Assert.Throws<ArgumentException>(() => NtXent.Loss(ones(0, 3), ones(0, 3), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => NtXent.Loss(ones(2, 3), ones(2, 3), 0));
    }

    private static (Tensor First, Tensor Second) Views(int count)
    {
        using var random = new Generator((ulong)count);
        return (
            nn.functional.normalize(randn([count, 5], dtype: float64, generator: random), dim: 1).requires_grad_(),
            nn.functional.normalize(randn([count, 5], dtype: float64, generator: random), dim: 1).requires_grad_());
    }

    private static double Naive(double[][] all, double temperature)
    {
        var half = all.Length / 2;
        var sum = 0.0;
        for (var i = 0; i < all.Length; i++)
        {
            var others = 0.0;
            for (var j = 0; j < all.Length; j++)
            {
                others += j == i ? 0 : Math.Exp(Dot(all[i], all[j]) / temperature);
            }

            sum -= Math.Log(Math.Exp(Dot(all[i], all[(i + half) % all.Length]) / temperature) / others);
        }

        return sum / all.Length;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[][] Rows(Tensor values) =>
        [
            .. Enumerable
                .Range(0, (int)values.shape[0])
                .Select(row => values.detach()[row].contiguous().data<double>().ToArray()),
        ];
}
