using MoCoSharp.Data.Loading;
using MoCoSharp.Diagnostics;
using MoCoSharp.Kernels;
using MoCoSharp.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Diagnostics;

public sealed class FigureTests
{
    [Fact]
    public void Spread_OfPointsOnTwoAxes_IsThatOfTheirShares()
    {
        using var scope = NewDisposeScope();
        var points = tensor(
            new float[,]
            {
                { 1, 0, 0 }, { -1, 0, 0 }, { 1, 0, 0 }, { -1, 0, 0 }, { 0, 1, 0 }, { 0, -1, 0 },
            });

        var (deviation, rank) = Spread.Of(points);

        Assert.Equal(1, deviation, 1e-9);
        Assert.Equal(Math.Exp(-((2 / 3.0 * Math.Log(2 / 3.0)) + (1 / 3.0 * Math.Log(1 / 3.0)))), rank, 1e-9);
    }

    [Fact]
    public void Spread_OfOnePoint_IsNone_AndOfNoise_NearlyAll()
    {
        using var scope = NewDisposeScope();
        Assert.Equal((0, 1), Spread.Of(nn.functional.normalize(ones(16, 8), dim: 1)));

        // 128 random directions in 8 dimensions use all of them.
        manual_seed(1);
        var (deviation, rank) = Spread.Of(nn.functional.normalize(randn(500, 8), dim: 1));
        Assert.InRange(deviation, 0.95, 1);
        Assert.InRange(rank, 7.5, 8);
    }

    [Fact]
    public void NegativeStatistics_AreThoseOfTheWholeMatrix()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        const double temperature = 0.1;
        var (query, queue) = (
            nn.functional.normalize(randn(5, 16), dim: 1),
            nn.functional.normalize(randn(9000, 16), dim: 1));

        var found = NegativeStatistics.Of(query, queue, temperature);

        var (q, k) = (query.data<float>().ToArray(), queue.data<float>().ToArray());
        for (var i = 0; i < 5; i++)
        {
            var cosines = Enumerable
                .Range(0, 9000)
                .Select(j => Enumerable.Range(0, 16).Sum(c => (double)q[(i * 16) + c] * k[(j * 16) + c]))
                .ToArray();
            var sum = cosines.Sum(cosine => Math.Exp(cosine / temperature));
            var entropy = -cosines
                .Select(cosine => Math.Exp(cosine / temperature) / sum)
                .Sum(share => share * Math.Log(share));
            Assert.Equal(cosines.Max(), found.Hardest[i], 1e-5);
            Assert.Equal(Math.Exp(entropy), found.Effective[i], 1e-3 * Math.Exp(entropy));
        }
    }

    // The numbers that the literature's checklist names for the official queue, the CIFAR demo's and a longer one's.
    [Theory]
    [InlineData(65536, 11.0904)]
    [InlineData(4096, 8.3180)]
    [InlineData(8192, 9.0110)]
    public void UninformedLoss_IsLogarithmOfKeysAndOne(int queueSize, double expected) =>
        Assert.Equal(expected, ExpectedLoss.Chance(queueSize), 1e-4);

    [Theory]
    [InlineData(65536, 0.2, 11.19)]
    [InlineData(4096, 0.1, 8.71)]
    public void RandomLoss_WithoutAPositive_IsThatOfTheNegatives(int queueSize, double temperature, double expected) =>
        Assert.Equal(expected, ExpectedLoss.Random(0, queueSize, 128, temperature), 0.005);

    [Fact]
    public void RandomLoss_IsThatOfARandomQueue()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var query = nn.functional.normalize(randn(64, 128), dim: 1);
        var key = nn.functional.normalize(query.add(randn(64, 128).mul(Scalars.Held(0.05))), dim: 1);
        var queue = nn.functional.normalize(randn(4096, 128), dim: 1);

        var loss = InfoNce.Loss(query, key, queue, 0.1).Loss.item<float>();

        Assert.Equal(loss, ExpectedLoss.Random(query.mul(key).sum(1).mean().item<float>(), 4096, 128, 0.1), 0.03);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(30)]
    [InlineData(70)]
    [InlineData(200)]
    public void QueueRepeats_AreThoseOfAQueueOfImages(int remembered)
    {
        const int images = 37, batchSize = 4, perEpoch = images / batchSize;
        var repeats = new QueueRepeats(9, images, batchSize, remembered);
        var queue = new Queue<int>();
        for (var epoch = 0; epoch < 7; epoch++)
        {
            var order = EpochOrder.Shuffled(images, 9, epoch);
            for (var batch = 0; batch < perEpoch; batch++)
            {
                var indices = order.AsSpan(batch * batchSize, batchSize).ToArray();
                Assert.Equal(
                    indices.Average(image => queue.Count(seen => seen == image)),
                    repeats.Mean(indices, epoch, batch),
                    1e-12);
                foreach (var image in indices)
                {
                    queue.Enqueue(image);
                    if (queue.Count > remembered)
                    {
                        queue.Dequeue();
                    }
                }
            }
        }
    }

    [Fact]
    public void EveryFigure_IsExplained_InADocumentToo()
    {
        var docs = File.ReadAllText(Path.Combine(Sources.Root, "docs", "reference", "health.md"));
        Assert.All(HealthFigure.All, figure => Assert.Contains($"| `{figure.Name}` | {figure.Meaning} |", docs));
        var figures = HealthFigures.FromJson(
            new HealthFigures { EffectiveRank = 3.25, KeyShift = double.NaN }.ToJson());
        Assert.Equal((3.25, null), (figures.EffectiveRank, figures.KeyShift));
        Assert.Equal(HealthFigure.All.Count, typeof(HealthFigures).GetProperties().Length);
    }
}
