using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

public sealed class LinearProductTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 50, 7, 33, 2e-5)]
    [InlineData(ScalarType.Float32, 50, 33, 7, 2e-5)]
    [InlineData(ScalarType.Float32, 1, 1, 1, 2e-5)]
    [InlineData(ScalarType.BFloat16, 50, 33, 7, 0.02)]
    [InlineData(ScalarType.BFloat16, 8192, 16, 32, 0.02)] // in parts
    [InlineData(ScalarType.BFloat16, 8194, 16, 32, 0.02)] // no multiple of the parts
    [InlineData(ScalarType.Float64, 50, 33, 7, 1e-12)]
    public void ProductAndGradients_AreThoseOfFloat64(
        ScalarType type, long count, long outputs, long inputs, double tolerance)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var rows = randn(count, inputs).to(type).requires_grad_();
        var weight = randn(outputs, inputs).to(type).requires_grad_();
        var gradient = randn(count, outputs).to(type);
        var rowsTwin = rows.detach().to(float64).requires_grad_();
        var weightTwin = weight.detach().to(float64).requires_grad_();

        var product = LinearProduct.Of(rows, weight);
        product.backward([gradient]);

        var expected = nn.functional.linear(rowsTwin, weightTwin);
        expected.backward([gradient.to(float64)]);
        Close(expected, product);
        Close(rowsTwin.grad!, rows.grad!);
        Close(weightTwin.grad!, weight.grad!);

        void Close(Tensor exact, Tensor value)
        {
            Assert.Equal(type, value.dtype);
            var off = (exact.detach() - value.detach().to(float64)).abs().max().item<double>();
            Assert.True(off <= tolerance * Math.Max(1, exact.detach().abs().max().item<double>()), $"off by {off}");
        }
    }

    [Fact]
    public void WhatNeedsNoGradient_GetsNone()
    {
        using var scope = NewDisposeScope();
        var (rows, weight) = (ones(3, 4), ones(2, 4).requires_grad_());

        LinearProduct.Of(rows, weight).sum().backward();

        Assert.Null(rows.grad);
        Assert.Equal(3, weight.grad![0, 0].item<float>());
        Assert.False(LinearProduct.Of(rows, weight.detach()).requires_grad);
    }
}
