using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Optimization;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(LearningRateScaling.None, 4096, 0.3)]
    [InlineData(LearningRateScaling.Linear, 4096, 4.8)]    // SimCLR: 0.3 x 4096 / 256
    [InlineData(LearningRateScaling.Sqrt, 256, 0.3 * 16)]  // and x sqrt(256)
    public void TheRule_ScalesByTheBatch(LearningRateScaling rule, int batch, double expected) =>
        Assert.Equal(
            expected,
            LearningRate.Peak(new OptimizerOptions { LearningRate = 0.3, LearningRateScaling = rule }, batch),
            12);

    [Fact]
    public void SimClrsSchedule_RisesForTenEpochs_ThenFallsAsACosineByStep()
    {
        var config = new RunConfig
        {
            BatchSize = 512,
            Epochs = 100,
            Optimizer = new()
            {
                LearningRate = 0.3,
                LearningRateScaling = LearningRateScaling.Linear,
                ScheduleUnit = ScheduleUnit.Step,
                WarmupEpochs = 10,
            },
        };

        Assert.Equal(0.6 / 70, config.LearningRateAt(0, 7), 12);          // the first of 70 steps
        Assert.Equal(0.6, config.LearningRateAt(69, 7), 12);
        Assert.Equal(0.6, config.LearningRateAt(70, 7), 12);              // the cosine begins
        Assert.Equal(0.3, config.LearningRateAt(70 + 315, 7), 12);        // half of the 630 steps that are left
        Assert.True(config.LearningRateAt(699, 7) < 1e-5);
    }

    [Fact]
    public void Cosine_ByEpoch_IsTheOfficialOne()
    {
        var options = new OptimizerOptions { LearningRate = 0.03, Schedule = LearningRateSchedule.Cosine };

        Assert.Equal(0.03, LearningRate.At(options, 0, 100, 200), 15);
        Assert.Equal(0.03, LearningRate.At(options, 99, 100, 200), 15);
        Assert.Equal(0.015, LearningRate.At(options, 100 * 100, 100, 200), 15);
        Assert.Equal(0.03 * 6.168e-5, LearningRate.At(options, (199 * 100) + 50, 100, 200), 8); // never 0
        Assert.Equal(0.97552826, LearningRate.At(options with { LearningRate = 1 }, 1, 1, 10), 8);
    }

    [Fact]
    public void Cosine_CountedFromOne_IsTheDemos()
    {
        var options = new OptimizerOptions
        {
            LearningRate = 0.06,
            Schedule = LearningRateSchedule.Cosine,
            CosineOffset = 1,
        };

        Assert.Equal(0.0599963, LearningRate.At(options, 0, 97, 200), 7);
        Assert.Equal(0, LearningRate.At(options, 199 * 97, 97, 200), 15);
    }

    [Fact]
    public void Steps_FallAtTheMilestones()
    {
        var options = new OptimizerOptions { LearningRate = 0.03, Schedule = LearningRateSchedule.Steps };

        Assert.Equal(
            [0.03, 0.003, 0.003, 0.0003],
            new[] { 119, 120, 159, 160 }.Select(epoch => LearningRate.At(options, epoch * 10, 10, 200)),
            (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Warmup_RisesLinearly_AndTheCosineByStepBeginsAfterIt()
    {
        var options = new OptimizerOptions
        {
            LearningRate = 1,
            Schedule = LearningRateSchedule.Cosine,
            ScheduleUnit = ScheduleUnit.Step,
            WarmupSteps = 10,
        };

        Assert.Equal(0.1, LearningRate.At(options, 0, 10, 11), 12);
        Assert.Equal(1, LearningRate.At(options, 9, 10, 11), 12);
        Assert.Equal(1, LearningRate.At(options, 10, 10, 11), 12);
        Assert.Equal(0.5, LearningRate.At(options, 60, 10, 11), 12); // half of the 100 steps after the warm-up
    }
}
