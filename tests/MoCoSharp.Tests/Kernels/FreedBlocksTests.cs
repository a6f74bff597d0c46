using System.Runtime.InteropServices;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

public sealed class FreedBlocksTests
{
    public FreedBlocksTests()
    {
        TorchRuntime.Load();
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "is for Linux on 64-bit x86");
    }

    [Fact]
    public void TheLibtorchThatWeShip_LooksAsItShould() => Assert.True(FreedBlocks.InUse);

    [Fact]
    public void TensorsWithSmallOnesBetween_GetTheBlocksOfTheirLikeAgain()
    {
        using var scope = NewDisposeScope();
        var small = new List<Tensor>(); // they stay
        var addresses = new HashSet<long>();
        var found = new List<int>(); // in each round, blocks that were never had before
        for (var round = 0; round < 10; round++)
        {
            var large = Enumerable.Range(0, 64).Select(_ =>
            {
                small.AddRange(Enumerable.Range(0, 16).Select(i => empty(1 + i)));
                return empty(1_234_560);
            }).ToList();
            found.Add(large.Count(tensor => addresses.Add(Address(tensor))));
            large.ForEach(tensor => tensor.Dispose());
        }

        // Without it, nearly each of the 640. A few holes may be cut up by what comes in between.
        Assert.True(found.Skip(5).Sum() <= 16, string.Join(", ", found));
    }

    [Fact]
    public void LeftOut_ItIsNotInUse_AndWhatLivesStays()
    {
        using var before = ones(1 << 20);
        FreedBlocks.LeaveOut();
        Assert.False(FreedBlocks.InUse);
        using var between = ones(1 << 20);

        FreedBlocks.Use();

        Assert.True(FreedBlocks.InUse);
        Assert.Equal(2 << 20, (before + between).sum().item<float>());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((1 << 16) - 1)] // libtorch's own way to here
    [InlineData(1 << 16)]
    [InlineData((1 << 16) + 1)]
    [InlineData(12_345_678)]
    public void EveryBlock_IsAlignedAndOnesOwn(long bytes)
    {
        using var scope = NewDisposeScope();
        var tensors = new List<Tensor>();
        for (var i = 0; i < 8; i++)
        {
            full([bytes], 99, dtype: uint8).Dispose();
            tensors.Add(full([bytes], i, dtype: uint8));
            Assert.Equal(0, Address(tensors[i]) % 64);
        }

        Assert.All(tensors.Index(), item => Assert.True(item.Item.eq(item.Index).all().item<bool>()));
    }

    [Fact]
    public void MoreThanThereIs_IsAnErrorAsBefore()
    {
        var error = Assert.ThrowsAny<Exception>(() => empty(1L << 50));

        Assert.Contains("can't allocate memory", error.Message, StringComparison.Ordinal);
        using var tensor = ones(1 << 20);
        Assert.Equal(1 << 20, tensor.sum().item<float>());
    }

    [Fact]
    public void ManyThreads_TakeAndFreeAtOnce()
    {
        Parallel.For(0, 16, number =>
        {
            var random = new Random(number);
            var held = new Queue<(Tensor Tensor, int Value)>();
            for (var i = 0; i < 200; i++)
            {
                var value = random.Next(256);
                held.Enqueue((full([random.Next(1 << 18)], value, dtype: uint8), value));
                if (held.Count > 5)
                {
                    var (tensor, expected) = held.Dequeue();
                    Assert.True(tensor.eq(expected).all().item<bool>());
                    tensor.Dispose();
                }
            }

            foreach (var (tensor, _) in held)
            {
                tensor.Dispose();
            }
        });
    }

    private static long Address(Tensor tensor)
    {
        if (tensor.numel() == 0)
        {
            return 0;
        }

        unsafe
        {
            fixed (byte* address = tensor.bytes)
            {
                return (long)address;
            }
        }
    }
}
