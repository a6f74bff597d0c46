using MoCoSharp.Data.Views;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

/// <summary>The recipe for somebody's own images, sized for them.</summary>
public sealed class PhotoFitTests
{
    private static readonly RunConfig Photos = RunConfig.Load("photos", ["data=photos"]);
    private static readonly RunConfig WithQueue = Photos.With(new MoCoOptions());

    [Theory]
    [InlineData(200, 224, 64, 32)]
    [InlineData(3_500, 224, 64, 32)]
    [InlineData(50_000, 32, 32, 32)] // small images have small views
    [InlineData(60_000, 28, 32, 32)]
    [InlineData(60_000, 45, 48, 32)]
    [InlineData(200_000, 224, 32, 32)] // many photos have smaller views, then a narrower encoder
    [InlineData(2_000_000, 224, 32, 16)]
    public void ViewsAndEncoder_FitTheImagesAndTwoCoresInAnHour(int images, int side, int size, int width)
    {
        var (config, choices) = Fit(new PhotoFacts(images, side, Cores: 2, Minutes: 60));

        Assert.Equal((size, width), (config.Views.Size, config.Encoder.Width));
        Assert.Equal(side <= 40 ? ViewRecipe.CifarDemo : ViewRecipe.MoCoV2, config.Views.Recipe);
        Assert.Contains(choices, choice => choice.StartsWith($"encoder.width {width}: about "));
        Assert.Empty(config.Validate());
        Assert.False(config.SizeToImages);
    }

    // 1.4 times the view, to the nearest multiple of 16.
    [Theory]
    [InlineData(32, 48)]
    [InlineData(48, 64)]
    [InlineData(64, 96)]
    [InlineData(96, 128)]
    [InlineData(224, 320)]
    public void ImagesAreEvaluatedAtALargerSizeThanTheirCrops(int size, int evaluated)
    {
        var mine = Photos with { Views = Photos.Views with { Size = size } };
        var facts = new PhotoFacts(5_000, 224, Cores: 2);

        Assert.Equal(evaluated, PhotoFit.Apply(mine, facts, key => key == "views.size").Config.Views.EvaluationSize);
        var (config, choices) = PhotoFit.Apply(
            mine with { Views = mine.Views with { EvaluationSize = 40 } }, facts, key => key == "views.evaluationSize");
        Assert.Equal(40, config.Views.EvaluationSize);
        Assert.DoesNotContain(choices, choice => choice.StartsWith("views.evaluationSize", StringComparison.Ordinal));
    }

    [Fact]
    public void ALongerBudgetOrAGpu_GivesLargerViews()
    {
        Assert.Equal(64, Fit(new PhotoFacts(200_000, 224, Cores: 2, Minutes: 600)).Config.Views.Size);
        var gpu = Fit(new PhotoFacts(20_000, 224, Cores: 8, Gpus: 1, Minutes: 600)).Config;
        Assert.Equal((224, 64, EncoderStem.ImageNet), (gpu.Views.Size, gpu.Encoder.Width, gpu.Encoder.Stem));
    }

    [Theory]
    [InlineData(16, 8, 1, 8, 800)]
    [InlineData(200, 32, 1, 96, 800)]
    [InlineData(600, 64, 1, 256, 800)]
    [InlineData(3_500, 128, 2, 1664, 400)]
    [InlineData(200_000, 128, 2, 4096, 400)]
    public void BatchGroupsQueueAndEpochs_FitTheNumberOfImages(int images, int batch, int groups, int queue, int epochs)
    {
        var (config, choices) = PhotoFit.Apply(WithQueue, new PhotoFacts(images, 224, Cores: 2), _ => false);

        Assert.Equal(
            (batch, groups, queue, epochs),
            (config.BatchSize, config.BnGroups, config.MoCo!.QueueSize, config.Epochs));
        Assert.Equal(0.12 * batch / 128, config.Optimizer.LearningRate, 1e-12);
        Assert.Equal(groups > 1, config.MoCo.Shuffle);
        Assert.Contains(
            choices, choice => choice.StartsWith($"bnGroups {groups}: BatchNorm groups of {batch / groups} images"));
    }

    [Fact]
    public void WhatTheUserSet_Stays_AndTheRestFollows()
    {
        string[] set = ["batchSize", "views.size", "optimizer.learningRate", "epochs"];
        var mine = WithQueue with { BatchSize = 256, Epochs = 7, Views = Photos.Views with { Size = 96 } };

        var (config, choices) = PhotoFit.Apply(mine, new PhotoFacts(5_000, 224, Cores: 2, Minutes: 60), set.Contains);

        Assert.Equal(
            (256, 4, 96, 0.12, 7),
            (config.BatchSize, config.BnGroups, config.Views.Size, config.Optimizer.LearningRate, config.Epochs));
        Assert.DoesNotContain(choices, choice => set.Contains(choice.Split(' ')[0]));
        Assert.Contains(choices, choice => choice.StartsWith("moco.queueSize 2304: "));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void BatchAndGroups_DivideAmongTheProcesses(int processes)
    {
        foreach (var recipe in new[] { Photos, WithQueue })
        {
            foreach (var images in new[] { 40, 200, 600, 5_000 })
            {
                var facts = new PhotoFacts(images, 224, Cores: 8, Processes: processes);
                var config = PhotoFit.Apply(recipe, facts, _ => false).Config;

                Assert.Empty(config.FaultsOver(processes));
                Assert.Empty(config.Validate());
            }
        }
    }

    [Fact]
    public void SimClr_HasOneGroupAndNoQueue()
    {
        var (config, choices) = Fit(new PhotoFacts(500, 224, Cores: 2));

        Assert.Equal((64, 1), (config.BatchSize, config.BnGroups));
        Assert.DoesNotContain(choices, choice => choice.Contains("queue"));
    }

    [Fact]
    public void JpegFilesMuchLargerThanTheViews_AreDecodedAtReducedSize()
    {
        Assert.True(Fit(new PhotoFacts(500, 3000, Cores: 2)).Config.Views.ScaledDecoding);
        Assert.False(Fit(new PhotoFacts(500, 224, Cores: 2)).Config.Views.ScaledDecoding);
    }

    private static (RunConfig Config, IReadOnlyList<string> Choices) Fit(PhotoFacts facts) =>
        PhotoFit.Apply(Photos, facts, _ => false);
}
