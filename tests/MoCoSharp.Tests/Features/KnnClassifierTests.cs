using CsCheck;
using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class KnnClassifierTests
{
    [Fact]
    public void Predict_MatchesTheDemosCode()
    {
        using var golden = Golden.Open("knn.safetensors");
        var labels = golden.Tensors["bank_labels"].data<long>().Select(label => (int)label).ToArray();

        var predicted = KnnClassifier.Predict(
            golden.Tensors["bank"], labels, golden.Tensors["queries"], classes: 5, neighbors: 20, temperature: 0.1);

        Assert.Equal(golden.Tensors["predicted"].data<long>().Select(label => (int)label), predicted);
    }

    [Fact]
    public void Predict_SumsWeightsByClass_RatherThanCounting()
    {
        using var bank = tensor(new float[,] { { 1, 0 }, { 0.6f, 0.8f }, { 0.6f, 0.8f } });
        using var query = tensor(new float[,] { { 1, 0 } });

        // One neighbour of class 0 with weight e^10, two of class 1 with e^6 each.
        Assert.Equal([0], KnnClassifier.Predict(bank, [0, 1, 1], query, classes: 2, neighbors: 3, temperature: 0.1));
    }

    [Fact]
    public void FeaturesThatAreNoNumbers_AndBanksWithoutLabels_AreRefused()
    {
        using var bank = ones(3, 2);
        using var broken = tensor(new float[,] { { 1, float.NaN } });
        Assert.Contains(
            "diverged",
            Assert.Throws<InvalidDataException>(() => KnnClassifier.Predict(bank, [0, 1, 1], broken, 2, 1, 0.1)).Message
        );
        Assert.Contains(
            "label -1",
            Assert.Throws<ArgumentException>(() => KnnClassifier.Predict(bank, [0, -1, 1], bank, 2, 1, 0.1)).Message);
    }

    [Fact]
    public void MoreNeighborsThanTheBankHas_AreRefused()
    {
        using var bank = rand(3, 2);
        Assert.Contains(
            "bank of 3",
            Assert.Throws<ArgumentException>(() => KnnClassifier.Predict(bank, [0, 1, 1], bank, 2, 4, 0.1)).Message);
    }

    [Fact]
    public void ABankOfManyBlocks_IsSearchedExactly()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        var bank = nn.functional.normalize(randn([9001, 8], generator: random), dim: 1);
        var queries = nn.functional.normalize(randn([600, 8], generator: random), dim: 1);
        var labels = Enumerable.Range(0, 9001).Select(i => (i * 7919) % 10).ToArray();

        var predicted = KnnClassifier.Predict(bank, labels, queries, classes: 10, neighbors: 150, temperature: 0.1);

        var (similarity, index) = queries.mm(bank.t()).topk(150, dim: 1);
        for (var row = 0; row < 600; row++)
        {
            var votes = new double[10];
            var (scores, indices) = (similarity[row].data<float>().ToArray(), index[row].data<long>().ToArray());
            for (var i = 0; i < 150; i++)
            {
                votes[labels[indices[i]]] += Math.Exp(scores[i] / 0.1);
            }

            Assert.Equal(Array.IndexOf(votes, votes.Max()), predicted[row]);
        }
    }

    [Fact]
    public void TheSearchOfAGpu_FindsTheNearestOfABankOfSeveralBlocks()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        var bank = randn([140_000, 4], generator: random); // a block has 16,384 rows
        var queries = randn([3, 4], generator: random);
        var nearest = Enumerable.Range(0, 3).Select(_ => new NearestKeys(20)).ToArray();

        NeighborSearch.SearchOnDevice(bank, queries, nearest, 20, new ParallelOptions());

        var (rows, asked) = (bank.data<float>().ToArray(), queries.data<float>().ToArray());
        for (var query = 0; query < 3; query++)
        {
            var expected = Enumerable.Range(0, 140_000)
                .OrderByDescending(row => Enumerable.Range(0, 4)
                    .Sum(i => (double)rows[(row * 4) + i] * asked[(query * 4) + i]))
                .Take(20);
            Assert.Equal(expected, nearest[query].Best().Select(found => found.Index));
        }
    }

    [Fact]
    public void NearestKeys_OfAnyScores_AreThoseOfAStableSort() =>
        Gen.Select(Gen.Int[1, 9], Gen.Int[-6, 6].Array[1, 80], Gen.Int[1, 33]).Sample((k, values, block) =>
        {
            var scores = values.Select(value => value / 4f).ToArray(); // many are equal, and some are -0
            var nearest = new NearestKeys(k);
            for (var first = 0; first < scores.Length; first += block)
            {
                nearest.Add(scores.AsSpan(first, Math.Min(block, scores.Length - first)), first);
            }

            Assert.Equal(
                scores.Select((score, index) => (score, index)).OrderByDescending(item => item.score).Take(k),
                nearest.Best());
        });
}
