using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Nccl;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Gpu;

/// <summary>What only a GPU can show; skipped without one. eng/gpu.sh runs these and the golden steps.</summary>
public sealed class GpuTests
{
    private static Device Gpu
    {
        get
        {
            Assert.SkipUnless(TorchRuntime.DeviceFault("cuda:0") is null, "libtorch sees no GPU");
            return TorchRuntime.OpenDevice("cuda:0");
        }
    }

    [Fact]
    public void ImagesAreCopied_WhileTheHostReusesItsMemory()
    {
        var gpu = Gpu;
        using var scope = NewDisposeScope();
        const int count = 64, size = 64;
        var pixels = new float[count * size * size * 3];
        var busy = rand(4096, 4096, device: gpu);
        List<Tensor> sums = [];
        for (var i = 0; i < 40; i++)
        {
            busy = busy.mm(busy).div_(busy.norm()); // keeps the device behind the host
            Array.Fill(pixels, i);
            sums.Add(HostMemory.Images(pixels, count, size, gpu).mean());
        }

        Assert.Equal(
            Enumerable.Range(0, 40).Select(i => (double)i),
            sums.Select(sum => Math.Round((double)sum.cpu().item<float>(), 3)));
    }

    [Fact]
    public void RowsAreCopied_InOrder()
    {
        var gpu = Gpu;
        using var scope = NewDisposeScope();
        long[] rows = [.. Enumerable.Range(0, 100_000).Select(i => (long)(i * 7 % 100_000))];

        Assert.Equal(rows, DeviceCopy.Rows(rows, gpu).cpu().data<long>().ToArray());
        Assert.Equal(rows[..10], DeviceCopy.Rows(rows[..10], gpu).cpu().data<long>().ToArray());
    }

    [Fact]
    public void NearestNeighbors_VoteAsOnTheProcessor()
    {
        var gpu = Gpu;
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        var bank = nn.functional.normalize(randn([5000, 64], generator: random), dim: 1);
        var queries = nn.functional.normalize(randn([1500, 64], generator: random), dim: 1);
        int[] labels = [.. Enumerable.Range(0, 5000).Select(i => i * 7 % 10)];

        var expected = KnnClassifier.Predict(bank, labels, queries, 10, 200, 0.1);
        var predicted = KnnClassifier.Predict(bank, labels, queries, 10, 200, 0.1, gpu);

        // Rounding may exchange neighbors of almost equal similarity.
        Assert.InRange(expected.Zip(predicted).Count(pair => pair.First == pair.Second), 1497, 1500);
    }

    [Fact]
    public void OneRank_SumsGathersAndBroadcastsWithNccl()
    {
        var gpu = Gpu;
        using var scope = NewDisposeScope();
        using var group = NcclGroup.Join(SingleProcess.Instance, gpu);
        foreach (var type in (ScalarType[])[float32, float64, bfloat16, int64])
        {
            var values = tensor(new float[] { 1, 2, 3 }).to(type).to(gpu);
            group.AllReduceSum(values);
            group.Broadcast(values, root: 0);
            Assert.Equal([1, 2, 3], values.cpu().to(float32).data<float>().ToArray());
            var all = group.AllGather(values);
            Assert.Equal([1, 3], all.shape);
            Assert.Equal([1, 2, 3], all.cpu().to(float32).data<float>().ToArray());
        }

        group.Barrier();
    }

    [Fact]
    public void MemoryInUse_AndTheName_AreKnown()
    {
        var gpu = Gpu;
        var before = TorchRuntime.UsedBytes(gpu);
        using var large = zeros([64 << 20], device: gpu); // 256 MB
        cuda.synchronize();

        Assert.True(TorchRuntime.UsedBytes(gpu) >= before, "used memory fell");
        Assert.InRange(TorchRuntime.UsedBytes(gpu), 256 << 20, 1L << 40);
        Assert.Contains("NVIDIA", TorchRuntime.Gpus[0]);
    }
}
