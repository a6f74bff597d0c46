using CsCheck;
using MoCoSharp.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class KeyQueueTests
{
    [Fact]
    public void NewQueue_HoldsUnitRows()
    {
        using var scope = NewDisposeScope();
        using var queue = New(5, 16);

        Assert.Equal(0, queue.Position);
        Assert.True(queue.Keys.norm(1).allclose(ones(16)));
    }

    [Fact]
    public void FourthBatchOfThree_OnTenKeys_ClosesTheRing()
    {
        using var scope = NewDisposeScope();
        using var queue = New(1, 10);
        for (var batch = 1; batch <= 4; batch++)
        {
            queue.Enqueue(full(3, 1, batch));
        }

        Assert.Equal(2, queue.Position);
        Assert.Equal([4f, 4f, 1f, 2f, 2f, 2f, 3f, 3f, 3f, 4f], queue.Keys.data<float>().ToArray());
    }

    [Fact]
    public void Enqueue_OfAnyBatches_IsANaiveRing() =>
        Gen.Select(Gen.Int[1, 12], Gen.Int[0, 30].Array[0, 8])
            .Sample(
                (size, batches) =>
    {
        using var scope = NewDisposeScope();
        using var queue = New(1, size);
        var expected = queue.Keys.data<float>().ToArray();
        var (position, next) = (0, 100f);
        foreach (var count in batches)
        {
            var keys = Enumerable.Range(0, count).Select(_ => next++).ToArray();
            queue.Enqueue(tensor(keys, count, 1));
            foreach (var key in keys)
            {
                expected[position] = key;
                position = (position + 1) % size;
            }
        }

        Assert.Equal(expected, queue.Keys.data<float>().ToArray());
        Assert.Equal(position, queue.Position);
    }, iter: 200, threads: 1);

    [Fact]
    public void AQueueInBf16_RoundsWhatItIsGiven()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var queue = new KeyQueue(8, 16, random, MoCoSharp.Models.Precision.Bf16);
        var keys = nn.functional.normalize(rand(4, 8), dim: 1);

        queue.Enqueue(keys);

        Assert.Equal(bfloat16, queue.Keys.dtype);
        Assert.True(queue.Keys.narrow(0, 0, 4).eq(keys.to(bfloat16)).all().item<bool>());
    }

    [Fact]
    public void Enqueue_OfKeysOfAnotherSize_SaysWhatWasExpected()
    {
        using var queue = New(8, 40);
        using var keys = rand(4, 9);

        var error = Assert.Throws<ArgumentException>(() => queue.Enqueue(keys));
        Assert.Contains("[4, 9]", error.Message);
        Assert.Contains("expected [N, 8]", error.Message);
    }

    private static KeyQueue New(int dimension, int size)
    {
        using var random = new Generator(3);
        return new KeyQueue(dimension, size, random);
    }
}
