using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class NeighborSearchTests
{
    [Fact]
    public void Each_OverSeveralBlocks_FindsTheRowsOfANaiveDoubleLoop()
    {
        const int rows = 5000, queries = 1030, width = 8; // a block has 4096 rows, or 1024 queries
        using var scope = NewDisposeScope();
        using var random = new Generator(5);
        var bank = nn.functional.normalize(randn([rows, width], generator: random), dim: 1);
        var asked = nn.functional.normalize(randn([queries, width], generator: random), dim: 1);
        var found = new (float Score, int Index)[queries][];

        NeighborSearch.Each(bank, asked, 7, (query, nearest) => found[query] = [.. nearest.Best()]);

        var (keys, values) = (bank.data<float>().ToArray(), asked.data<float>().ToArray());
        foreach (var query in new[] { 0, 1, 511, 1023, 1024, 1029 })
        {
            var expected = new double[rows];
            for (var row = 0; row < rows; row++)
            {
                for (var i = 0; i < width; i++)
                {
                    expected[row] += (double)keys[(row * width) + i] * values[(query * width) + i];
                }
            }

            Assert.Equal(7, found[query].Select(item => item.Index).Distinct().Count());
            Assert.All(
                expected.OrderDescending().Take(7).Zip(found[query]),
                pair =>
                {
                    Assert.Equal(pair.First, pair.Second.Score, 1e-6);
                    Assert.Equal(expected[pair.Second.Index], pair.Second.Score, 1e-6);
                });
        }
    }

    [Fact]
    public void Each_OfEqualRows_TakesTheEarlierOnes()
    {
        using var bank = tensor(new float[,] { { 0, 1 }, { 1, 0 }, { 1, 0 }, { 1, 0 }, { -1, 0 } });
        using var query = tensor(new float[,] { { 1, 0 } });
        List<(float, int)> found = [];

        NeighborSearch.Each(bank, query, 2, (_, nearest) => found = [.. nearest.Best()]);

        Assert.Equal([(1f, 1), (1f, 2)], found);
    }

    [Fact]
    public void Each_ReportsItsShare_AndEndsWhenItIsCanceled()
    {
        using var scope = NewDisposeScope();
        var (bank, queries) = (ones(8192, 2), ones(1025, 2)); // two blocks of each
        var shares = new List<double>();
        NeighborSearch.Each(bank, queries, 1, (_, _) => { }, progress: shares.Add);
        using var stop = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => NeighborSearch.Each(
            bank, queries, 1, (_, _) => { }, progress: _ => stop.Cancel(), cancellation: stop.Token));

        Assert.Equal([512 / 1025.0, 1024 / 1025.0, 1024.5 / 1025, 1], shares);
    }
}
