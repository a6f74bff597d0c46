using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Tests.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

/// <summary>
/// Against the same layer in float64, which goes operation by operation through libtorch.
/// </summary>
public sealed class FusedBatchNormTests : WithEveryKernel
{
    public static TheoryData<int, int, int, int, bool, bool> Shapes => new()
    {
        // N, C, H, S, with a shortcut, with a ReLU
        { 8, 16, 1, 1, false, true },
        { 6, 64, 7, 3, true, true },
        { 4, 64, 33, 2, false, true },
        { 4, 48, 9, 4, true, true },
        { 3, 272, 5, 1, true, true },
        { 2, 2048, 3, 2, false, true },
        { 4, 64, 5, 2, false, false },
        { 4, 32, 5, 1, true, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void OutputAndGradients_AreThoseOfSeparateOperations(
        int count, int channels, int size, int groups, bool hasShortcut, bool rectifies)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var layer = new SplitBatchNorm(channels, groups);
        foreach (var parameter in layer.parameters())
        {
            using var noGrad = no_grad();
            parameter.copy_(randn(channels));
        }

        using var twin = new SplitBatchNorm(channels, groups);
        twin.load_state_dict(layer.state_dict());
        twin.to(float64);
        var input = ChannelsLast.From((randn(count, channels, size, size) * 3) + 2).requires_grad_();
        var shortcut = hasShortcut ? ChannelsLast.From(randn(count, channels, size, size)).requires_grad_() : null;
        var (inputTwin, shortcutTwin) = (
            input.detach().to(float64).requires_grad_(),
            shortcut?.detach().to(float64).requires_grad_());
        var gradient = randn(count, channels, size, size); // in the usual layout: it is what it is

        var output = Fused(layer, groups, input, shortcut, rectifies);
        output.backward([gradient]);

        var expected = rectifies
            ? twin.NormalizeAddRelu(inputTwin, BatchNormMode.Default, shortcutTwin)
            : Plain(twin, inputTwin, shortcutTwin);
        expected.backward([gradient.to(float64)]);
        Close(expected, output);
        Close(inputTwin.grad!, input.grad!);
        if (hasShortcut)
        {
            Close(shortcutTwin!.grad!, shortcut!.grad!);
        }

        foreach (var (one, two) in twin.parameters().Zip(layer.parameters()))
        {
            Close(one.grad!, two.grad!);
        }
    }

    [Theory]
    [InlineData(1e4, 1e-3)]
    [InlineData(1e3, 1e-5)]
    [InlineData(0, 1e-5)]
    public void AMeanFarFromZero_CostsFewDigitsOfTheVariance(double mean, double tolerance)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var rows = randn(10_000, 16) + mean;

        var (means, variances) = BatchNormKernels.Moments(rows, 1);

        var twin = rows.to(float64);
        Assert.True(tensor(means).allclose(twin.mean([0]), rtol: 1e-6, atol: 1e-5));
        Assert.True(tensor(variances).allclose(twin.var([0], unbiased: false), rtol: tolerance));
    }

    [Fact]
    public void TwoGibibytesAndMore_AreLeftToLibtorch()
    {
        using var scope = NewDisposeScope();
        var pixel = zeros(1, 64, 1, 1);

        Assert.False(BatchNormKernels.IsSupported(pixel.expand(8192, 64, 32, 32))); // a span has a byte less
        Assert.True(BatchNormKernels.IsSupported(pixel.expand(8191, 64, 32, 32)));
    }

    [Fact]
    public void AConstantChannel_HasNoVariance()
    {
        using var scope = NewDisposeScope();

        var (means, variances) = BatchNormKernels.Moments(full([5_000, 16], 0.1f), 1);

        Assert.All(means, mean => Assert.Equal(0.1f, mean, 1e-7));
        Assert.All(variances, variance => Assert.Equal(0, variance));
    }

    [Fact]
    public void TheBits_AreTheSameForAnyNumberOfThreads()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var input = ChannelsLast.From(randn(16, 64, 20, 20)).to(bfloat16);
        var gradient = ChannelsLast.From(randn(16, 64, 20, 20)).to(bfloat16);
        var threads = get_num_threads();
        try
        {
            var results = new[] { 1, 2, 5 }.Select(count =>
            {
                set_num_threads(count);
                using var layer = new SplitBatchNorm(64, 2);
                var own = input.detach().clone().requires_grad_();
                var output = layer.NormalizeAddRelu(own, BatchNormMode.Default);
                output.backward([gradient]);
                return new[]
                {
                    output.detach(), own.grad!, layer.parameters().First().grad!,
                    layer.state_dict()["running_var"].clone(),
                };
            }).ToList();

            Assert.All(
                results,
                result =>
                    Assert.All(
                        result.Zip(results[0]),
                        pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>())));
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void NaN_StaysNaN()
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(16, 2);
        foreach (var type in new[] { float32, bfloat16 })
        {
            var input = zeros(4, 16).to(type);
            input[0, 3] = float.NaN;

            var output = Fused(layer, 2, input, null, rectifies: true).to(float32);

            Assert.True(output[..2, 3].isnan().all().item<bool>()); // of its group and channel alone
            Assert.Equal(2, output.isnan().sum().item<long>());
        }
    }

    [Fact]
    public void WithoutAGradient_NormalizeAddReluOverwritesItsInputAndForwardDoesNot()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var layer = new SplitBatchNorm(16, 1);
        var input = ChannelsLast.From(randn(4, 16, 3, 3)).to(bfloat16);
        var before = input.clone();

        var output = layer.call(input);

        Assert.True(input.eq(before).all().item<bool>());
        var rectified = layer.NormalizeAddRelu(input, BatchNormMode.Default);
        Assert.True(rectified.eq(output.relu()).all().item<bool>());
        Assert.True(input.eq(rectified).all().item<bool>());
    }

    [Fact]
    public void TheGradient_TakesTheMemoryOfItsInputAndNoOther()
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(16, 1);
        var input = ChannelsLast.From(randn(4, 16, 3, 3)).to(bfloat16).requires_grad_();
        var before = input.detach().clone();
        var gradient = ChannelsLast.From(randn(4, 16, 3, 3)).to(bfloat16);

        var plain = layer.call(input);
        plain.backward([gradient.where(plain > 0, zeros_like(gradient))]);
        var expected = input.grad!.clone();
        Assert.True(input.eq(before).all().item<bool>());
        input.grad = null;
        layer.NormalizeAddRelu(input, BatchNormMode.Default).backward([gradient]);

        Assert.True(input.grad!.eq(expected).all().item<bool>());
        Assert.True(input.eq(expected).all().item<bool>());
    }

    [Fact]
    public void WhoKeptTheInputThatIsOverwritten_HearsOfIt()
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(16, 1);
        var input = ChannelsLast.From(randn(4, 16, 3, 3)).to(bfloat16).requires_grad_() * 1;
        var square = input.square(); // whose gradient needs the input, after the layer's

        var sum = layer.NormalizeAddRelu(input, BatchNormMode.Default).sum() + square.sum();

        var error = Assert.ThrowsAny<Exception>(() => sum.backward());
        Assert.Contains("modified by an inplace operation", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheBackwardPass_KeepsNoGradientOfLayersItHasLeft()
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(16, 1);

        GC.Collect(); // other tests' tensors, which would be let go of meanwhile
        GC.WaitForPendingFinalizers();
        var (few, many) = (Left(layers: 3), Left(layers: 30));

        // one a layer would be 27 more; a collection may take some of either
        Assert.True(many < few + 27, $"{few} tensors are left of 3 layers, {many} of 30");

        long Left(int layers)
        {
            using var step = NewDisposeScope();
            var hidden = randn(8, 16).to(bfloat16).requires_grad_();
            for (var i = 0; i < layers; i++)
            {
                using var own = hidden.clone(); // which may be overwritten
                hidden = layer.NormalizeAddRelu(own, BatchNormMode.Default, hidden);
            }

            hidden.sum().backward();
            hidden.Dispose();
            return Tensor.TotalCount - layers;
        }
    }

    // The operation alone, which takes more than layers give it.
    private static Tensor Fused(SplitBatchNorm layer, int groups, Tensor input, Tensor? shortcut, bool rectifies)
    {
        using var scope = NewDisposeScope();
        var (weight, bias) = (layer.get_parameter("weight")!, layer.get_parameter("bias")!);
        return FusedBatchNorm
            .Apply(
                input, weight, bias, shortcut,
                BatchNormKernels.Moments(FusedBatchNorm.RowsOf(input), groups),
                1e-5,
                rectifies,
                overwrites: false)
            .MoveToOuterDisposeScope();
    }

    private static Tensor Plain(SplitBatchNorm layer, Tensor input, Tensor? shortcut)
    {
        var output = layer.call(input);
        return shortcut is null ? output : output + shortcut;
    }

    internal static void Close(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        var off = (expected.detach().to(float64) - actual.detach().to(float64)).abs().max().item<double>();
        var scale = Math.Max(1, expected.detach().to(float64).abs().max().item<double>());
        Assert.True(off <= 5e-6 * scale, $"off by {off}, where the highest is {scale}");
    }
}
