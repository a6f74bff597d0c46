using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

public sealed class ConvolutionTests
{
    [Theory]
    [InlineData(1, 1, 1)] // a single pixel: the outer weights see only padding
    [InlineData(2, 1, 1)]
    [InlineData(1, 1, 2)] // a single row: so do two rows of weights
    [InlineData(2, 1, 2)]
    [InlineData(1, 2, 1)]
    [InlineData(1, 2, 2)]
    [InlineData(2, 2, 2)]
    [InlineData(1, 4, 4)]
    [InlineData(1, 5, 7)]
    [InlineData(2, 5, 7)]
    public void OfSmallImages_InBFloat16_HasTheOutputAndGradientsOfFloat64(int stride, long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var convolution = new Convolution(32, 64, kernel: 3, stride);
        var weight = convolution.parameters().Single();
        using (no_grad())
        {
            weight.copy_(randn_like(weight));
        }

        var images = ChannelsLast.From(randn(8, 32, height, width)).to(bfloat16).requires_grad_();
        var (imagesTwin, weightTwin) = (
            images.detach().to(float64).requires_grad_(),
            weight.detach().to(bfloat16).to(float64).requires_grad_());
        var expected = nn.functional.conv2d(imagesTwin, weightTwin, strides: [stride, stride], padding: [1, 1]);
        var gradient = randn(expected.shape).to(bfloat16);
        expected.backward([gradient.to(float64)]);

        for (var time = 0; time < 20; time++)
        {
            // Memory that is free from now on holds numbers that would be seen.
            full(64, 32, 3, 3, float.NaN, dtype: bfloat16).Dispose();
            convolution.zero_grad();
            images.grad = null;
            var output = convolution.forward(images);
            output.backward([gradient]);

            Close(expected, output);
            Close(imagesTwin.grad!, images.grad!);
            Close(weightTwin.grad!, weight.grad!);
            var onPadding = weight.grad!.masked_select(weightTwin.grad!.eq(0)); // of weights that see only padding
            Assert.True(onPadding.eq(0).all().item<bool>());
        }
    }

    private static void Close(Tensor exact, Tensor value)
    {
        Assert.Equal(exact.shape, value.shape);
        var off = (exact.detach() - value.detach().to(float64)).abs().max().item<double>();
        Assert.True(off <= 0.01 * exact.detach().abs().max().item<double>(), $"off by {off}");
    }
}
