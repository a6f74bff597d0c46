using MoCoSharp.Detection.Transfer;
using MoCoSharp.Evaluation;
using MoCoSharp.Optimization;

namespace MoCoSharp.Tests.Optimization;

/// <summary>Learning rates to the last bit: resumed runs depend on it.</summary>
/// <remarks>Values printed by the version in which each kind of training had a formula of its own.</remarks>
public sealed class ScheduleTests
{
    private static readonly OptimizerOptions Rate = new() { LearningRate = 0.03 };
    private static readonly long[] Steps = [0, 1, 7, 699, 700, 12_345, 84_000, 139_999]; // of 200 epochs of 700 steps

    [Fact]
    public void Cosine_ByEpoch_KeepsItsBits() => Assert.Equal(
        [
            0.03, 0.03, 0.03, 0.03, 0.029998149487224908, 0.02946836127686697, 0.010364745084375793,
            1.8505127750911841E-06,
        ],
        RatesOf(Rate));

    [Fact]
    public void Cosine_CountedFromOne_KeepsItsBits() => Assert.Equal(
        [
            0.029998149487224908, 0.029998149487224908, 0.029998149487224908, 0.029998149487224908,
            0.029992598405485973, 0.029404405285154145, 0.010141238727027758, 0,
        ],
        RatesOf(Rate with { CosineOffset = 1 }));

    [Fact]
    public void Cosine_ByStepAfterAWarmUp_KeepsItsBits() => Assert.Equal(
        [
            2.849002849002849E-05, 5.698005698005698E-05, 0.0002279202279202279, 0.019943019943019943,
            0.019971509971509968, 0.02951376746296867,
            0.010500811670768766, 3.834093043053599E-12,
        ],
        RatesOf(Rate with { ScheduleUnit = ScheduleUnit.Step, WarmupSteps = 3, WarmupEpochs = 1.5 }));

    [Fact]
    public void Milestones_KeepTheirBits() => Assert.Equal(
        [0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.003, 0.00030000000000000003],
        RatesOf(Rate with { Schedule = LearningRateSchedule.Steps }));

    [Fact]
    public void AConstantAfterAWarmUp_KeepsItsBits() => Assert.Equal(
        [0.002727272727272727, 0.005454545454545454, 0.021818181818181816, 0.03, 0.03, 0.03, 0.03, 0.03],
        RatesOf(Rate with { Schedule = LearningRateSchedule.Constant, WarmupSteps = 11 }));

    [Fact]
    public void LinearClassification_KeepsItsBits() => Assert.Equal(
        [0.7, 0.7, 0.06999999999999999, 0.06999999999999999, 0.007000000000000001, 0.007000000000000001],
        new[] { 0, 59, 60, 79, 80, 99 }.Select(new LinearOptions { LearningRate = 0.7 }.LearningRateAt));

    [Fact]
    public void FineTuning_KeepsItsBits()
    {
        var rates = new[] { 0, 11, 12, 15, 16, 19 }
            .Select(new FineTuningOptions { EncoderLearningRate = 0.7, HeadLearningRate = 0.07 }.LearningRatesAt)
            .ToList();

        Assert.Equal(
            [0.07, 0.07, 0.014000000000000002, 0.014000000000000002, 0.002800000000000001, 0.002800000000000001],
            rates.Select(rate => rate.Head));
        Assert.Equal(
            [0.7, 0.7, 0.7 * 0.2, 0.7 * 0.2, 0.7 * Math.Pow(0.2, 2), 0.7 * Math.Pow(0.2, 2)],
            rates.Select(rate => rate.Encoder));
    }

    [Fact]
    public void Detection_KeepsItsBits()
    {
        var options = new DetectionOptimizerOptions { LearningRate = 0.017 };

        Assert.Equal(
            [
                1.7000000000000003E-05, 0.00018683, 0.00562139, 0.016830170000000002, 0.017, 0.017,
                0.0017000000000000001, 0.00017000000000000004,
            ],
            new long[] { 0, 1, 33, 99, 100, 17_999, 18_000, 22_000 }.Select(step =>
                options.LearningRateAt(step, 24_000)));
        Assert.Equal(
            [0.017, 0.00017000000000000004],
            new long[] { 0, 22_000 }.Select(step => (options with { WarmupSteps = 0 }).LearningRateAt(step, 24_000)));
    }

    private static IEnumerable<double> RatesOf(OptimizerOptions options) =>
        Steps.Select(step => LearningRate.At(options, step, 700, 200));
}
