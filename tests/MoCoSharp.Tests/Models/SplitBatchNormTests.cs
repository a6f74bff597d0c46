using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Models;

public sealed class SplitBatchNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Training_NormalisesEachGroupByItself(int groups)
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(2, groups);
        layer.to(float64);
        var input = Golden.View(1, 0, float64, 6, 2, 3, 3);
        double[] means = new double[2], variances = new double[2];

        var output = layer.call(input);

        // A naive twin: the groups lie one behind the other; biased variance normalises, the unbiased one is
        // remembered.
        var count = 6 / groups * 9;
        for (var group = 0; group < groups; group++)
        {
            for (var channel = 0; channel < 2; channel++)
            {
                var values = Enumerable.Range(0, 6).Where(i => i / (6 / groups) == group)
                    .SelectMany(i =>
                        Enumerable.Range(0, 9).Select(p => (i, p, x: input[i, channel, p / 3, p % 3].item<double>())))
                    .ToList();
                var mean = values.Average(value => value.x);
                var variance = values.Sum(value => (value.x - mean) * (value.x - mean)) / count;
                means[channel] += ((0.9 * 0) + (0.1 * mean)) / groups;
                variances[channel] += ((0.9 * 1) + (0.1 * variance * count / (count - 1))) / groups;
                Assert.All(
                    values,
                    value =>
                        Assert.Equal(
                            (value.x - mean) / Math.Sqrt(variance + 1e-5),
                            output[value.i, channel, value.p / 3, value.p % 3].item<double>(),
                            1e-9));
            }
        }

        var state = layer.state_dict();
        for (var channel = 0; channel < 2; channel++)
        {
            Assert.Equal(means[channel], state["running_mean"][channel].item<double>(), 1e-12);
            Assert.Equal(variances[channel], state["running_var"][channel].item<double>(), 1e-12);
        }

        Assert.Equal(1, state["num_batches_tracked"].item<long>());
    }

    [Fact]
    public void Evaluation_UsesTheRunningStatisticsAndTouchesNothing()
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(2, 4);
        layer.call(rand(8, 2, 3, 3));
        layer.eval();
        var before = layer.state_dict().ToDictionary(item => item.Key, item => item.Value.clone());
        var input = rand(3, 2, 3, 3); // 3 is no multiple of 4, and need not be

        var output = layer.call(input);

        var expected =
            (input - before["running_mean"].view(1, 2, 1, 1)) / (before["running_var"].view(1, 2, 1, 1) + 1e-5).sqrt();
        Assert.True(output.allclose(expected, atol: 1e-5));
        Assert.All(layer.state_dict(), item => Assert.True(item.Value.eq(before[item.Key]).all().item<bool>()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Bf16_KeepsItsStatisticsInFp32(int groups)
    {
        using var scope = NewDisposeScope();
        using var layer = new SplitBatchNorm(2, groups);
        using var twin = new SplitBatchNorm(2, groups);
        var input = Golden.View(1, 0, float32, 8, 2, 9, 9).to(bfloat16);

        var output = layer.call(input);

        Assert.Equal(bfloat16, output.dtype);
        Assert.True(output.to(float32).allclose(twin.call(input.to(float32)), atol: 0.02));
        Assert.All(
            layer.state_dict().Where(item => item.Key.StartsWith("running")),
            item => Assert.True(item.Value.allclose(twin.state_dict()[item.Key], rtol: 1e-4, atol: 1e-5)));
    }

    [Fact]
    public void Training_OnABatchThatDoesNotDivide_SaysSo()
    {
        using var layer = new SplitBatchNorm(2, 4);
        using var input = rand(6, 2, 3, 3);

        Assert.Contains("multiple of 4", Assert.Throws<ArgumentException>(() => layer.call(input)).Message);
    }
}
