using MoCoSharp.Features;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Tests.Training;

/// <summary>The epochs that end within a time budget.</summary>
public sealed class RunCostTests
{
    private static readonly RunConfig Config = new()
    {
        Knn = new KnnOptions { EveryEpochs = 4 },
        Checkpoints = new CheckpointOptions { EveryEpochs = 2, EveryMinutes = 0 },
    };

    [Theory]
    [InlineData(1, (1 * 10) + (5 * 3) + 0.5)] // before and after, three at the end, one save
    [InlineData(4, (4 * 10) + (5 * 3) + 1)]
    [InlineData(5, (5 * 10) + (6 * 3) + 1.5)] // an evaluation and a save at the end, although none is due
    [InlineData(8, (8 * 10) + (6 * 3) + 2)]
    public void Seconds_AreThoseOfStepsEvaluationsAndSaves(int epochs, double seconds) =>
        Assert.Equal(seconds, new RunCost(7, 0.1, 3, 0.5).Seconds(epochs, 100, Config), 1e-9);

    [Theory]
    [InlineData(1, (1 * 10) + (2 * 3) + 0.5)] // before and after
    [InlineData(100, (100 * 10) + (11 * 3) + 25)] // before, and after each tenth of the epochs; a save every 2
    public void WithoutLabels_ATenthOfTheEpochsLiesBetweenMeasurements(int epochs, double seconds) =>
        Assert.Equal(
            seconds, new RunCost(7, 0.1, 3, 0.5, IsLabeled: false).Seconds(epochs, 100, Config), 1e-9);

    [Fact]
    public void AWarmupLongerThanATenthOfTheBudget_IsShortened()
    {
        var plan = Plan(minutes: 2, warmup: 200);

        var fitted = TimeBudget.Choose(plan, new RunCost(10, 0.1, 4, 1), faults: [])!;

        Assert.Equal(70, fitted.Config.Optimizer.WarmupSteps); // of 700 steps
        Assert.EndsWith("; optimizer.warmupSteps is 70, a tenth of the steps", fitted.Budget);
        Assert.Equal(
            200, TimeBudget.Choose(Plan(2, 200, "optimizer.warmupSteps=200"), new(10, 0.1, 4, 1), [])!
                .Config.Optimizer.WarmupSteps);
    }

    [Fact]
    public void SavesByStepsAndMinutes_Count()
    {
        var config = Config with { Checkpoints = new() { EveryEpochs = 100, EverySteps = 50, EveryMinutes = 1 } };

        // 100 s of steps: 20 saves by steps, 1 by minutes, 1 at the end
        Assert.Equal(100 + 22, new RunCost(0, 0.1, 0, 1).Seconds(10, 100, config), 1e-9);
    }

    [Fact]
    public void Epochs_AreTheMostThatFit()
    {
        var cost = new RunCost(7, 0.1, 3, 0.5);
        for (var minutes = 0.1; minutes < 20; minutes += 0.37)
        {
            var epochs = cost.Epochs(minutes, 100, Config);

            var left = (0.97 * 60 * minutes) - 7; // 3 % are in reserve
            Assert.True(epochs == 0 || cost.Seconds(epochs, 100, Config) <= left, $"{minutes} minutes");
            Assert.True(cost.Seconds(epochs + 1, 100, Config) > left, $"{minutes} minutes");
        }

        Assert.Equal(12, cost.Epochs(1000, 100, Config, most: 12));
        Assert.Equal(0, new RunCost(100, 0.1, 3, 0.5).Epochs(1, 100, Config)); // the start takes longer than the budget
    }

    [Fact]
    public void TheSmallestBudgetOfAnEpoch_HoldsOne()
    {
        var cost = new RunCost(7, 0.1, 3, 0.5);

        var minutes = cost.Minutes(1, 100, Config);

        Assert.Equal(32.5 / (60 * 0.97), minutes, 1e-9); // 7 s of start, 10 of steps, 15 of evaluations, a save
        Assert.Equal(1, cost.Epochs(minutes + 1e-6, 100, Config));
        Assert.Equal(0, cost.Epochs(minutes - 1e-6, 100, Config));
    }

    [Fact]
    public void ABudget_GivesAPlanWithItsEpochs_AndTheReason()
    {
        var plan = Plan(minutes: 2);

        // 116.4 s without the reserve: 10 s of start, 7 epochs of 10 s, 6 evaluations of 4 s and 7 saves fit.
        var fitted = TimeBudget.Choose(plan, new RunCost(10, 0.1, 4, 1), faults: [])!;

        Assert.Equal((7, null), (fitted.Config.Epochs, fitted.Config.Minutes));
        Assert.Equal(
            "7 epochs of 100 steps take about 1.9 of 2 minutes: 0.1 s a step with its views, 4 s an evaluation, " +
            "10 s before the first step",
            fitted.Budget);
    }

    [Fact]
    public void ABudgetWithoutRoomForAnEpoch_IsRefused_WithTheMinutesThatAreNeeded()
    {
        var faults = new List<string>();

        Assert.Null(TimeBudget.Choose(Plan(minutes: 0.25), new RunCost(10, 0.1, 4, 1), faults));

        // 10 + 10 + 5 x 4 + 1 = 41 s, and the reserve: 0.7045 minutes
        Assert.Contains("minutes is 0.25, but one epoch of 100 steps needs 0.8: ", Assert.Single(faults));
    }

    private static PretrainPlan Plan(double minutes, int warmup = 0, params string[] settings)
    {
        var faults = new List<string>();
        var plan = PretrainPlan.Open(
            new RunConfig
            {
                Data = "patterns:800",
                BatchSize = 8,
                Minutes = minutes,
                Knn = new KnnOptions { EveryEpochs = 4 },
                Optimizer = new OptimizerOptions { WarmupSteps = warmup },
            },
            null, null, faults, settings: settings);
        Assert.Empty(faults);
        return plan!;
    }
}
