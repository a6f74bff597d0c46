using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

/// <summary>A recipe for many images, fitted to a few.</summary>
public sealed class ImageFitTests
{
    // As moco-v2-folder.json.
    private static readonly RunConfig Photos = new()
    {
        FitToImages = true,
        BatchSize = 64,
        BnGroups = 8,
        MoCo = new MoCoOptions { QueueSize = 4096 },
        Optimizer = new() { LearningRate = 0.0075 },
    };

    [Theory]
    [InlineData(16, 8, 2, 8)]
    [InlineData(50, 8, 2, 24)]
    [InlineData(200, 32, 8, 96)]
    [InlineData(399, 64, 8, 192)]
    [InlineData(5_000, 64, 8, 2496)]
    [InlineData(8_192, 64, 8, 4096)]
    [InlineData(200_000, 64, 8, 4096)]
    public void BatchAndQueue_FitTheNumberOfImages(int images, int batch, int groups, int queue)
    {
        var (config, changes) = ImageFit.Apply(Photos, images);

        Assert.Equal((batch, groups, queue), (config.BatchSize, config.BnGroups, config.MoCo!.QueueSize));
        Assert.Equal(0.03 * batch / 256, config.Optimizer.LearningRate, 1e-12); // the official scale, as before
        Assert.Equal(Photos.Epochs, config.Epochs);
        Assert.False(config.FitToImages);
        Assert.Empty(config.Validate());
        Assert.Equal(
            queue < 4096,
            changes.Any(change =>
                change.Contains($"moco.queueSize {queue} instead of 4096: at most half of {images} images")));
        Assert.Equal(batch < 64, changes.Any(change => change.Contains($"batchSize {batch} instead of 64")));
    }

    [Fact]
    public void AnyNumberOfImages_GivesAQueueOfAtMostHalfAndAnEpochOfSteps()
    {
        for (var images = ImageFit.SmallestBatch; images < 10_000; images += images < 600 ? 1 : 97)
        {
            var (config, _) = ImageFit.Apply(Photos, images);

            Assert.Empty(config.Validate());
            Assert.InRange(config.MoCo!.QueueSize, 1, images / 2);
            Assert.InRange(images / config.BatchSize, images < 32 ? 1 : 4, int.MaxValue);
            Assert.True(images < 16 || config.MoCo.QueueSize % config.BatchSize == 0, $"{images} images");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void BatchAndGroups_DivideAmongTheProcesses(int processes)
    {
        foreach (var images in new[] { 16, 50, 200, 399 })
        {
            Assert.Empty(ImageFit.Apply(Photos, images, processes).Config.FaultsOver(processes));
        }
    }

    [Fact]
    public void WhatSomebodySet_Stays()
    {
        var (config, _) = ImageFit.Apply(Photos, 100, isSet: key => key == "moco.queueSize");
        Assert.Equal((16, 4096), (config.BatchSize, config.MoCo!.QueueSize));

        (config, _) = ImageFit.Apply(Photos, 100, isSet: key => key == "batchSize");
        Assert.Equal((64, 8, 50), (config.BatchSize, config.BnGroups, config.MoCo!.QueueSize));

        (config, _) = ImageFit.Apply(Photos, 100, isSet: key => key is "bnGroups" or "optimizer.learningRate");
        Assert.Equal((16, 8, 0.0075), (config.BatchSize, config.BnGroups, config.Optimizer.LearningRate));
    }

    [Fact]
    public void AMethodWithoutAQueue_GetsItsBatchFitted()
    {
        var (config, changes) = ImageFit.Apply(Photos.With(new SimClrOptions()), 50);

        Assert.Equal((8, null), (config.BatchSize, config.MoCo));
        Assert.DoesNotContain(changes, change => change.Contains("queue"));
    }
}
