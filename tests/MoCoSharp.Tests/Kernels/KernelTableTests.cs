using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

/// <summary>
/// The kernels together against plain libtorch. Each is tested alone by the class that its row names.
/// </summary>
public sealed class KernelTableTests
{
    [Fact]
    public void EveryRow_HasANameAndATestClassOfItsOwn()
    {
        var tests = typeof(KernelTableTests).Assembly.GetTypes().Select(type => type.Name).ToHashSet();

        Assert.Distinct(KernelTable.All.Select(kernel => kernel.Name));
        Assert.Distinct(KernelTable.All.Select(kernel => kernel.Test));
        Assert.All(KernelTable.All, kernel => Assert.Contains(kernel.Test, tests));
    }

    [Fact]
    public void AKernelThatTheProcessorLacks_IsNotOn()
    {
        var kernel = KernelTable.Softmax with { Needs = "vectors of 4096 bits", ProcessorHas = false };
        using (KernelSwitches.Override(null, assumesProcessor: false))
        {
            Assert.False(kernel.IsOn);
            Assert.Equal("not on this processor: it needs vectors of 4096 bits", kernel.State);
        }

        using (KernelSwitches.Override(null, assumesProcessor: true))
        {
            Assert.True(kernel.IsOn);
        }
    }

    // Three steps of MoCo against the same steps in float64, which no kernel takes. Width 32 gives the last two stages
    // the 128 channels that Winograd needs. Four BN groups leave 16 values for each statistic of the last stage, so
    // rounding shows: with one thread, libtorch alone is 1.4e-3 away from float64. The kernels must stay near libtorch:
    // in float32, Winograd's tiles round more, and are 6e-4 away from it, under Wine without AVX-512 2e-3.
    [Theory]
    [InlineData(Precision.Fp32, 1, 2e-4, 2e-4)]
    [InlineData(Precision.Fp32, 4, 5e-3, 3e-3)]
    [InlineData(Precision.Bf16, 1, 0.03, 0.03)]
    [InlineData(Precision.Bf16, 4, 0.03, 0.03)]
    public void Training_WithKernelsAndWithout_HasTheLossesOfFloat64(
        Precision precision, int bnGroups, double tolerance, double toleranceOfKernels)
    {
        var exact = Losses(null, bnGroups, null);
        var withKernels = Losses("", bnGroups, precision);
        var without = Losses("libtorch", bnGroups, precision);

        Assert.NotEqual(withKernels, without); // the switch does something
        for (var step = 0; step < exact.Length; step++)
        {
            Assert.Equal(exact[step], withKernels[step], tolerance);
            Assert.Equal(exact[step], without[step], tolerance);
            Assert.Equal(without[step], withKernels[step], toleranceOfKernels);
        }
    }

    // null: in float64.
    private static double[] Losses(string? kernels, int bnGroups, Precision? precision)
    {
        using var switches = KernelSwitches.Override(kernels);
        using var scope = NewDisposeScope();
        var options = new MoCoOptions { Dimension = 16, QueueSize = 64, Momentum = 0.9, Temperature = 0.2 };
        var encoder = new EncoderOptions { Depth = 18, Width = 32, Stem = EncoderStem.Cifar, Head = EncoderHead.Mlp };
        using var method = MoCo.Create(encoder, options, bnGroups, seed: 7, SingleProcess.Instance);
        method.to(precision is null ? float64 : float32);
        method.Precision = precision ?? Precision.Fp32;
        method.train();
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        var type = precision is null ? float64 : float32;
        return [.. Enumerable.Range(0, 3).Select(i => step
            .Run(i, Views(i, 0), Views(i, 1), learningRate: 0.01).Loss.to(float64).item<double>())];

        Tensor Views(int i, int view) => ChannelsLast.From(Golden.View(i, view, type, 16, 3, 16, 16));
    }
}
