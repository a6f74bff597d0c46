using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>A 3x3 convolution and its gradients beside libtorch's in float64.</summary>
internal static class ConvolutionTwin
{
    /// <summary>Checks the output and both gradients: shape, type, layout and error.</summary>
    /// <param name="images">Requires a gradient. Shape [N, I, H, W].</param>
    /// <param name="kernel">Requires a gradient. Shape [O, I, 3, 3].</param>
    /// <param name="stride">Of the convolution.</param>
    /// <param name="convolve">From images and kernel to the output.</param>
    /// <param name="share">Largest norm of the error, over the norm of the exact value.</param>
    /// <param name="most">Largest error of a value, over the standard deviation of the exact values.</param>
    public static void Check(
        Tensor images, Tensor kernel, int stride, Func<Tensor, Tensor, Tensor> convolve, double share, double most)
    {
        var (imagesTwin, kernelTwin) = (
            images.detach().to(float64).requires_grad_(),
            kernel.detach().to(float64).requires_grad_());
        var expected = nn.functional.conv2d(imagesTwin, kernelTwin, strides: [stride, stride], padding: [1, 1]);
        var gradient = randn(expected.shape).to(images.dtype); // in another layout than the output

        var output = convolve(images, kernel);
        output.backward([gradient]);

        expected.backward([gradient.to(float64)]);
        Close(expected, output);
        Close(imagesTwin.grad!, images.grad!);
        Close(kernelTwin.grad!, kernel.grad!);

        void Close(Tensor exact, Tensor value)
        {
            Assert.Equal(exact.shape, value.shape);
            Assert.Equal(images.dtype, value.dtype);
            Assert.True(value.permute(0, 2, 3, 1).is_contiguous());
            var off = exact.detach() - value.detach().to(float64);
            var found = off.norm().item<double>() / exact.detach().norm().item<double>();
            Assert.True(found <= share, $"off by {found} of the norm");
            found = off.abs().max().item<double>() / exact.detach().std().item<double>();
            Assert.True(found <= most, $"off by {found} of a standard deviation at most");
        }
    }
}
