using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>Squares of 2 x 2 pixels of the output, in bfloat16, against libtorch in float64.</summary>
public sealed class WinogradTests : WithEveryKernel
{
    [Theory]
    [InlineData(3, 128, 128, 4, 4)]
    [InlineData(1, 160, 128, 2, 6)] // sides and channels that differ
    [InlineData(2, 128, 144, 8, 2)]
    [InlineData(5, 256, 512, 2, 2)] // one tile an image: all of its sides are padding
    [InlineData(70, 128, 256, 8, 8)] // in two parts
    public void OutputAndGradients_AreThoseOfFloat64(long count, long inputs, long outputs, long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var images = ChannelsLast.From(randn(count, inputs, height, width)).to(bfloat16).requires_grad_();
        var kernel = ChannelsLast.From(randn(outputs, inputs, 3, 3)).to(bfloat16).requires_grad_();
        Assert.True(Winograd.IsApplicable(images, kernel, stride: 1));

        // bfloat16 rounds by 0.0017 on average, and four times on the way: tiles, kernel, products, output. The last
        // sum grows the first three.
        ConvolutionTwin.Check(images, kernel, stride: 1, Winograd.Convolve, share: 0.008, most: 0.06);
    }

    [Fact]
    public void WhatNeedsNoGradient_GetsNone()
    {
        using var scope = NewDisposeScope();
        var images = ChannelsLast.From(ones(4, 128, 4, 4)).to(bfloat16);
        var kernel = ChannelsLast.From(ones(128, 128, 3, 3)).to(bfloat16).requires_grad_();

        Winograd.Convolve(images, kernel).sum().backward();

        Assert.Null(images.grad);
        Assert.Equal(64, kernel.grad![0, 0, 1, 1].to(float32).item<float>()); // one from each image and pixel
        Assert.Equal(36, kernel.grad![0, 0, 0, 2].to(float32).item<float>()); // and fewer where the padding has a part
        Assert.False(Winograd.Convolve(images, kernel.detach()).requires_grad);
        images.requires_grad_();
        Winograd.Convolve(images, kernel.detach()).sum().backward();
        // a corner has a part in four places of each output
        Assert.Equal(4 * 128, images.grad![0, 0, 0, 0].to(float32).item<float>());
        Assert.Equal(9 * 128, images.grad![3, 5, 1, 2].to(float32).item<float>());
    }

    [Theory]
    [InlineData(128, 128, 4, 4, 2)] // a stride
    [InlineData(128, 128, 7, 4, 1)] // an odd side
    [InlineData(128, 64, 4, 4, 1)] // few channels
    [InlineData(64, 128, 4, 4, 1)]
    [InlineData(128, 136, 4, 4, 1)] // channels that are no multiple of 16
    public void OtherShapes_AreLeftToTheOtherWays(long inputs, long outputs, long height, long width, int stride)
    {
        using var scope = NewDisposeScope();

        Assert.False(
            Winograd.IsApplicable(
                ones(1, inputs, height, width, dtype: bfloat16),
                ones(outputs, inputs, 3, 3, dtype: bfloat16),
                stride));
        // nor is float64 taken
        Assert.False(Winograd.IsApplicable(
            ones(1, 128, 4, 4, dtype: float64), ones(128, 128, 3, 3, dtype: float64), stride: 1));
    }
}
