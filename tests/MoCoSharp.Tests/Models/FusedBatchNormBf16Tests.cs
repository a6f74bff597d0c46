using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Tests.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

/// <summary>As <see cref="FusedBatchNormTests"/>, in bfloat16.</summary>
public sealed class FusedBatchNormBf16Tests : WithEveryKernel
{
    [Fact]
    public void Bf16_DiffersFromFloat64ByRoundingAlone()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        using var layer = new SplitBatchNorm(64, 2);
        using var twin = new SplitBatchNorm(64, 2);
        twin.to(float64);
        var input = ChannelsLast.From(randn(8, 64, 6, 6)).to(bfloat16).requires_grad_();
        var shortcut = ChannelsLast.From(randn(8, 64, 6, 6)).to(bfloat16).requires_grad_();
        var (inputTwin, shortcutTwin) = (
            input.detach().to(float64).requires_grad_(),
            shortcut.detach().to(float64).requires_grad_());
        var gradient = ChannelsLast.From(randn(8, 64, 6, 6)).to(bfloat16);

        var output = layer.NormalizeAddRelu(input, BatchNormMode.Default, shortcut);
        output.backward([gradient]);

        var expected = twin.NormalizeAddRelu(inputTwin, BatchNormMode.Default, shortcutTwin);
        expected.backward([gradient.to(float64)]);
        Assert.Equal(bfloat16, output.dtype);
        Assert.True(output.to(float64).allclose(expected, rtol: 1.0 / 256, atol: 1e-3)); // 8 bits of mantissa
        Assert.True(input.grad!.to(float64).allclose(inputTwin.grad!, rtol: 1.0 / 256, atol: 1e-3));
        Assert.True(shortcut.grad!.to(float64).equal(shortcutTwin.grad!).all().item<bool>());
        foreach (var (name, value) in twin.state_dict()) // statistics are not rounded
        {
            FusedBatchNormTests.Close(value, layer.state_dict()[name]);
        }

        foreach (var (one, two) in twin.parameters().Zip(layer.parameters()))
        {
            FusedBatchNormTests.Close(one.grad!, two.grad!);
        }
    }
}
