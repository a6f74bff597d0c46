using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>Squares of 4 x 4 pixels of the output, against libtorch in float64.</summary>
public sealed class WinogradFp32Tests : WithEveryKernel
{
    [Theory]
    [InlineData(3, 64, 64, 8, 8)]
    [InlineData(4, 80, 64, 4, 12)] // sides and channels that differ
    [InlineData(2, 64, 144, 7, 7)] // squares that reach over two edges
    [InlineData(32, 256, 512, 3, 3)] // one square an image, larger than the image
    [InlineData(2, 64, 64, 14, 5)]
    [InlineData(70, 64, 128, 8, 9)] // in parts
    public void OutputAndGradients_AreThoseOfFloat64(long count, long inputs, long outputs, long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var images = ChannelsLast.From(randn(count, inputs, height, width).relu_()).requires_grad_(); // as in a ResNet
        var kernel = ChannelsLast.From(randn(outputs, inputs, 3, 3)).requires_grad_();
        Assert.True(Winograd.IsApplicable(images, kernel, stride: 1));

        // Winograd's sums are larger than their result, so a digit is lost: conv2d is off by 1e-6 at most.
        ConvolutionTwin.Check(images, kernel, stride: 1, Winograd.Convolve, share: 4e-6, most: 8e-5);
    }

    [Fact]
    public void WhatNeedsNoGradient_GetsNone()
    {
        using var scope = NewDisposeScope();
        var images = ChannelsLast.From(ones(4, 64, 4, 4));
        var kernel = ChannelsLast.From(ones(64, 64, 3, 3)).requires_grad_();

        Winograd.Convolve(images, kernel).sum().backward();

        Assert.Null(images.grad);
        Assert.Equal(64, kernel.grad![0, 0, 1, 1].item<float>(), 1e-3); // one from each image and pixel
        Assert.Equal(36, kernel.grad![0, 0, 0, 2].item<float>(), 1e-3); // and fewer where the padding has a part
        Assert.False(Winograd.Convolve(images, kernel.detach()).requires_grad);
        images.requires_grad_();
        Winograd.Convolve(images, kernel.detach()).sum().backward();
        // a corner has a part in four places of each output
        Assert.Equal(4 * 64, images.grad![0, 0, 0, 0].item<float>(), 1e-2);
        Assert.Equal(9 * 64, images.grad![3, 5, 1, 2].item<float>(), 1e-2);
    }

    [Fact]
    public void NoImages_GiveNoOutput()
    {
        using var scope = NewDisposeScope();

        Assert.Equal([0, 64, 4, 4], Winograd.Convolve(empty(0, 64, 4, 4), ones(64, 64, 3, 3)).shape);
    }

    [Fact]
    public void TheBits_AreTheSameForAnyNumberOfThreads()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var images = ChannelsLast.From(randn(6, 64, 9, 9));
        var kernel = randn(64, 64, 3, 3);
        var threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var one = Winograd.Convolve(images, kernel);
            set_num_threads(3);
            Assert.True(one.equal(Winograd.Convolve(images, kernel)).all().item<bool>());
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Theory]
    [InlineData(64, 64, 4, 4, 2)] // a stride
    [InlineData(64, 64, 2, 4, 1)] // two rows: nothing is saved
    [InlineData(512, 512, 4, 4, 1)] // one tile: the kernel has more values
    [InlineData(64, 32, 4, 4, 1)] // few channels
    [InlineData(32, 64, 4, 4, 1)]
    [InlineData(64, 72, 4, 4, 1)] // channels that are no multiple of 16
    public void OtherShapes_AreLeftToTheOtherWays(long inputs, long outputs, long height, long width, int stride)
    {
        using var scope = NewDisposeScope();

        Assert.False(
            Winograd.IsApplicable(ones(1, inputs, height, width), ones(outputs, inputs, 3, 3), stride));
    }

    [Fact]
    public void ASwitch_LeavesIt()
    {
        using var scope = NewDisposeScope();
        var (images, kernel) = (ones(8, 64, 4, 4), ones(64, 64, 3, 3));
        using (KernelSwitches.Override("-winograd-fp32"))
        {
            Assert.False(Winograd.IsApplicable(images, kernel, stride: 1));
        }

        Assert.True(Winograd.IsApplicable(images, kernel, stride: 1));
    }
}
