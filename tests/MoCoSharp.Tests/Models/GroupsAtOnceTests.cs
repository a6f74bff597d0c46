using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

/// <summary>How a GPU normalizes groups, against one operation for each group.</summary>
public sealed class GroupsAtOnceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void OutputGradientsAndStatistics_AreThoseOfGroupAfterGroup(int groups)
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var images = randn(8, 6, 5, 3, dtype: float64);
        var weights = randn(8, 6, 5, 3, dtype: float64);

        var expected = Run((layer, input) => layer.NormalizeByGroup(input, BatchNormMode.Default));
        var actual = Run((layer, input) => layer.NormalizeAtOnce(input, BatchNormMode.Default));

        foreach (var (name, value) in expected)
        {
            Assert.True(actual[name].allclose(value, rtol: 1e-10, atol: 1e-12), $"{name} differs");
        }

        Dictionary<string, Tensor> Run(Func<SplitBatchNorm, Tensor, Tensor> normalize)
        {
            var layer = new SplitBatchNorm(6, groups);
            layer.to(float64);
            using (no_grad())
            {
                layer.state_dict()["weight"].copy_(arange(1, 7));
                layer.state_dict()["bias"].copy_(arange(6));
            }

            var input = images.clone().requires_grad_();
            var output = normalize(layer, input);
            (output * weights).sum().backward();
            var results = layer.state_dict().ToDictionary(item => item.Key, item => item.Value.clone());
            results["output"] = output.detach();
            results["gradient of the input"] = input.grad!;
            foreach (var (name, parameter) in layer.named_parameters())
            {
                results["gradient of " + name] = parameter.grad!.clone();
            }

            return results;
        }
    }
}
