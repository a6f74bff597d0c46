using System.Runtime.Intrinsics.X86;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>On any processor: where it has no vectors of 512 bits, .NET computes them in software.</summary>
public sealed class Conv3x3WeightGradientTests : IDisposable
{
    private readonly IDisposable _switches = KernelSwitches.Override(null);

    public void Dispose() => _switches.Dispose();

    [Theory]
    [InlineData(1, 16, 32, 64, 4, 4)]
    [InlineData(1, 32, 64, 32, 5, 7)] // sides that differ, odd
    [InlineData(1, 48, 96, 96, 1, 2)]
    [InlineData(1, 592, 32, 32, 7, 7)] // many small images: in parts of 80, the last of 32
    [InlineData(1, 16, 32, 32, 16, 16)] // few large ones
    [InlineData(1, 16, 32, 32, 16, 17)] // more pixels than that: by libtorch
    [InlineData(1, 8, 32, 32, 4, 4)] // by libtorch: too few images
    [InlineData(1, 16, 24, 32, 4, 4)] // or inputs
    [InlineData(1, 16, 32, 24, 4, 4)] // or outputs
    [InlineData(2, 16, 32, 64, 8, 8)]
    [InlineData(2, 5, 64, 32, 6, 10)]
    [InlineData(2, 333, 32, 64, 14, 14)] // in parts of 160, the last of 13
    [InlineData(2, 16, 32, 64, 7, 8)] // by libtorch: odd
    [InlineData(3, 16, 32, 32, 9, 9)]
    public void OutputAndGradients_AreThoseOfFloat64(
        int stride, long count, long inputs, long outputs, long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var images = ChannelsLast.From(randn(count, inputs, height, width)).to(bfloat16).requires_grad_();
        var kernel = ChannelsLast.From(randn(outputs, inputs, 3, 3)).to(bfloat16).requires_grad_();
        var imagesTwin = images.detach().to(float64).requires_grad_();
        var kernelTwin = kernel.detach().to(float64).requires_grad_();
        var expected = nn.functional.conv2d(imagesTwin, kernelTwin, strides: [stride, stride], padding: [1, 1]);
        var gradient = ChannelsLast.From(randn(expected.shape)).to(bfloat16);

        var output = Conv3x3WeightGradient.Convolve(images, kernel, stride);
        output.backward([gradient]);

        expected.backward([gradient.to(float64)]);
        Close(expected, output);
        Close(imagesTwin.grad!, images.grad!);
        Close(kernelTwin.grad!, kernel.grad!);

        void Close(Tensor exact, Tensor value)
        {
            Assert.Equal(exact.shape, value.shape);
            Assert.Equal(bfloat16, value.dtype);
            var off = (exact.detach() - value.detach().to(float64)).abs().max().item<double>();
            Assert.True(off <= 0.01 * exact.detach().abs().max().item<double>(), $"off by {off}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void WhatNeedsNoGradient_GetsNone(int stride)
    {
        using var scope = NewDisposeScope();
        var images = ChannelsLast.From(ones(16, 32, 4, 4)).to(bfloat16);
        var kernel = ones(32, 32, 3, 3, dtype: bfloat16).requires_grad_();

        Conv3x3WeightGradient.Convolve(images, kernel, stride).sum().backward();

        Assert.Null(images.grad);
        // one from each image and place of the output
        var ofCenter = kernel.grad![0, 0, 1, 1].to(float32).item<float>();
        Assert.Equal(256 / (stride * stride), ofCenter);
        Assert.False(Conv3x3WeightGradient.Convolve(images, kernel.detach(), stride).requires_grad);
        images.requires_grad_();
        Conv3x3WeightGradient.Convolve(images, kernel.detach(), stride).sum().backward();
        Assert.NotNull(images.grad);
    }

    [Fact]
    public void ABatchSeenFromItsChannels_HasItsPixelsInTheOppositeOrder()
    {
        Assert.SkipUnless(Sse2.IsSupported, "needs SSE2");
        using var scope = NewDisposeScope();
        var images = randn(32, 64, 3, 2).to(bfloat16);

        var reversed = BatchAsChannels.Reversed(images);

        Assert.Equal([64, 32, 3, 2], reversed.shape);
        Assert.True(reversed.permute(0, 2, 3, 1).is_contiguous());
        Assert.True(images.transpose(0, 1).flip(2, 3).eq(reversed).all().item<bool>());
    }
}
