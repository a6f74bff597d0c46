using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>Convolutions of few channels in float32, against libtorch in float64.</summary>
public sealed class IndirectConvolutionTests : WithEveryKernel
{
    [Theory]
    [InlineData(6, 16, 16, 16, 16, 1)]
    [InlineData(10, 16, 48, 5, 9, 1)] // a group of four images, sides and channels that differ
    [InlineData(11, 32, 16, 16, 8, 2)]
    [InlineData(16, 16, 32, 7, 5, 2)] // odd sides
    [InlineData(5, 16, 32, 6, 6, 2)] // fewer images than are computed at once
    [InlineData(6, 16, 16, 1, 1, 2)] // one pixel: eight taps are in the padding
    [InlineData(11, 128, 112, 2, 2, 1)]
    [InlineData(6, 16, 16, 12, 13, 3)]
    [InlineData(25, 64, 256, 20, 20, 1)] // rows and images in parts
    public void OutputAndGradients_AreThoseOfFloat64(
        long count, long inputs, long outputs, long height, long width, int stride)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        var images = ChannelsLast.From(randn(count, inputs, height, width).relu_()).requires_grad_(); // as in a ResNet
        var kernel = ChannelsLast.From(randn(outputs, inputs, 3, 3)).requires_grad_();
        Assert.True(IndirectConvolution.IsApplicable(images, kernel));

        ConvolutionTwin.Check(
            images, kernel, stride, (x, weights) => IndirectConvolution.Convolve(x, weights, stride),
            share: 1e-6, most: 2e-5);
    }

    [Fact]
    public void WhatNeedsNoGradient_GetsNone()
    {
        using var scope = NewDisposeScope();
        var images = ChannelsLast.From(ones(6, 16, 4, 4));
        var kernel = ChannelsLast.From(ones(32, 16, 3, 3)).requires_grad_();

        IndirectConvolution.Convolve(images, kernel, stride: 2).sum().backward();

        Assert.Null(images.grad);
        Assert.Equal(6 * 4, kernel.grad![31, 15, 1, 1].item<float>()); // one from each image and pixel of the output
        Assert.Equal(6, kernel.grad![0, 0, 0, 0].item<float>()); // the upper left tap is in the padding for three of 4
        Assert.False(IndirectConvolution.Convolve(images, kernel.detach(), stride: 2).requires_grad);
        images.requires_grad_();
        IndirectConvolution.Convolve(images, kernel.detach(), stride: 2).sum().backward();
        Assert.Equal(32, images.grad![0, 0, 0, 0].item<float>()); // the first pixel is under one tap
        Assert.Equal(4 * 32, images.grad![5, 7, 1, 1].item<float>()); // and this one under the corners of four outputs
    }

    [Fact]
    public void TheBits_AreTheSameForAnyNumberOfThreads()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var images = ChannelsLast.From(randn(20, 16, 9, 9)).requires_grad_();
        var kernel = ChannelsLast.From(randn(32, 16, 3, 3)).requires_grad_();
        var threads = get_num_threads();
        try
        {
            var (one, three) = (Run(1), Run(3));

            Assert.All(one.Zip(three), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        }
        finally
        {
            set_num_threads(threads);
        }

        List<Tensor> Run(int count)
        {
            set_num_threads(count);
            (images.grad, kernel.grad) = (null, null);
            var output = IndirectConvolution.Convolve(images, kernel, stride: 1);
            output.square().sum().backward();
            return [output, images.grad!, kernel.grad!];
        }
    }

    [Fact]
    public void TheType_IsThatOfTheImages_WhateverTheDefaultIs()
    {
        using var scope = NewDisposeScope();
        var (images, kernel) = (ones(6, 16, 1, 1), ones(16, 16, 3, 3));
        try
        {
            set_default_dtype(float64);

            var output = IndirectConvolution.Convolve(images, kernel, stride: 1);

            Assert.Equal(float32, output.dtype);
            Assert.Equal(16, output[5, 15, 0, 0].item<float>()); // one tap of 16 channels
        }
        finally
        {
            set_default_dtype(float32);
        }
    }

    [Fact]
    public void AStep_LeavesNoTensorAlive()
    {
        var kernel = ChannelsLast.From(ones(16, 16, 3, 3)).requires_grad_();
        Step(); // the memory of an operation stays for the next
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Step();

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Step()
        {
            using var scope = NewDisposeScope();
            var images = ones(6, 16, 4, 4, requires_grad: true);
            IndirectConvolution.Convolve(images, kernel, stride: 1).sum().backward();
            BackwardResults.ReleasePrevious();
            kernel.grad = null;
        }
    }

    [Theory]
    [InlineData(4, 16, 16, ScalarType.Float32)] // a third of the work would be in vain
    [InlineData(8, 16, 16, ScalarType.Float32)]
    [InlineData(6, 3, 16, ScalarType.Float32)]
    [InlineData(6, 16, 24, ScalarType.Float32)]
    [InlineData(6, 272, 16, ScalarType.Float32)] // many channels
    [InlineData(6, 16, 272, ScalarType.Float32)]
    [InlineData(6, 16, 16, ScalarType.BFloat16)]
    [InlineData(6, 16, 16, ScalarType.Float64)]
    public void OtherInputs_AreLeftToLibtorch(long count, long inputs, long outputs, ScalarType type)
    {
        using var scope = NewDisposeScope();

        Assert.False(IndirectConvolution.IsApplicable(
            ones(count, inputs, 4, 4, dtype: type), ones(outputs, inputs, 3, 3, dtype: type)));
    }

    [Fact]
    public void ATensorOfGigabytes_IsLeftToLibtorch()
    {
        using var scope = NewDisposeScope();
        var images = ones(6, 16, 1, 1).expand(6, 16, 2048, 2048);

        Assert.False(IndirectConvolution.IsApplicable(images, ones(16, 16, 3, 3)));
    }

    [Fact]
    public void ASwitch_LeavesItToLibtorch()
    {
        using var scope = NewDisposeScope();
        var (images, kernel) = (ones(6, 16, 4, 4), ones(16, 16, 3, 3));
        using (KernelSwitches.Override("-indirect-fp32"))
        {
            Assert.False(IndirectConvolution.IsApplicable(images, kernel));
        }

        Assert.True(IndirectConvolution.IsApplicable(images, kernel));
    }
}
