using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

/// <summary>The worked example of CONTRIBUTING.md compiles, trains, and computes what its paper says.</summary>
public sealed class DclTests
{
    private static readonly MethodBuild Build = new(
        new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Mlp },
        Images: 8, BnGroups: 1, Seed: 5, SingleProcess.Instance);

    [Fact]
    public void ThreeSteps_LowerTheLoss()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        using var method = new DclOptions { Dimension = 16 }.Create(Build);
        using var optimizer = MomentumOptimizer.Create(
            method.LearnedParameters,
            new OptimizerOptions { LearningRate = 0.05 });
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        var (queries, keys) = (rand([8, 3, 16, 16], generator: random), rand([8, 3, 16, 16], generator: random));
        var losses = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            var (loss, _) = step.Run(
                i, queries, keys, 0.05, null,
                new StepSamples([0, 1, 2, 3, 4, 5, 6, 7], new int[8]));
            losses.Add(loss.item<float>());
        }

        Assert.All(losses, loss => Assert.True(double.IsFinite(loss)));
        Assert.True(losses[2] < losses[0], string.Join(", ", losses));
    }

    [Fact]
    public void TheLoss_LeavesThePositiveOutOfTheDenominator()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(4);
        using var method = new DclOptions { Dimension = 16, Temperature = 0.5 }.Create(Build);
        var (queries, keys) = (rand([4, 3, 16, 16], generator: random), rand([4, 3, 16, 16], generator: random));
        method.eval();

        using var noGrad = no_grad();
        var loss = method.call(queries, keys).Loss.item<float>();

        var all = nn
            .functional.normalize(method.Encoder.call(cat([queries, keys])), dim: 1)
            .to(float64)
            .data<double>()
            .ToArray();
        var expected = 0.0; // the naive sum, in float64
        for (var i = 0; i < 8; i++)
        {
            var others = Enumerable
                .Range(0, 8)
                .Where(j => j != i && j != (i + 4) % 8)
                .Sum(j => Math.Exp(Dot(i, j) / 0.5));
            expected += (Math.Log(others) - (Dot(i, (i + 4) % 8) / 0.5)) / 8;
        }

        Assert.Equal(expected, loss, 1e-5);

        double Dot(int a, int b) => Enumerable.Range(0, 16).Sum(c => all[(a * 16) + c] * all[(b * 16) + c]);
    }
}
