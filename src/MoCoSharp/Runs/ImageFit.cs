using System.Globalization;
using MoCoSharp.Optimization;

namespace MoCoSharp.Runs;

/// <summary>
/// Fits a recipe for a large data set to a small one. The queue holds at most half of the images, and an epoch has
/// several steps.
/// </summary>
public static class ImageFit
{
    /// <summary>The smallest batch size that is chosen: two BatchNorm groups of four images.</summary>
    public const int SmallestBatch = 8;

    private const int StepsPerEpoch = 4;
    private const int ImagesPerGroup = 4;

    /// <summary>
    /// Lowers settings that are too large for the number of images. The batch is halved until an epoch has four steps,
    /// down to <see cref="SmallestBatch"/> images. Then the BatchNorm groups are halved until each has four images. The
    /// learning rate follows the batch size. The queue size becomes <see cref="QueueSize"/>.
    /// </summary>
    /// <param name="config">Has the values for a large data set.</param>
    /// <param name="images">Number of images.</param>
    /// <param name="processes">Number of processes. Batch and groups stay multiples of it, if they were before.</param>
    /// <param name="isSet">Whether the user chose the setting of this name; it is then kept. Null is none.</param>
    /// <returns>
    /// The configuration, with <see cref="RunConfig.FitToImages"/> off, and a sentence for each change.
    /// </returns>
    public static (RunConfig Config, IReadOnlyList<string> Changes) Apply(
        RunConfig config,
        int images,
        int processes = 1,
        Func<string, bool>? isSet = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegative(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(processes);
        isSet ??= _ => false;
        var changes = new List<string>();
        config = config with { FitToImages = false };
        if (!isSet("batchSize"))
        {
            config = FitBatch(config, images, processes, isSet, changes);
        }

        if (config.MoCo is { } moco && !isSet("moco.queueSize") && moco.QueueSize > images / 2)
        {
            config = config with { MoCo = moco with { QueueSize = QueueSize(images, config.BatchSize) } };
            changes.Add(
                Change(
                    "moco.queueSize", config.MoCo.QueueSize, moco.QueueSize,
                    $"at most half of {images} images, so that an image rarely has its own older keys as negatives"));
        }

        return (config, changes);
    }

    /// <summary>The largest suitable queue: at most half of the images, in whole batches if one fits.</summary>
    /// <param name="images">Number of images.</param>
    /// <param name="batchSize">Above 0.</param>
    public static int QueueSize(int images, int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        var half = Math.Max(1, images / 2);
        return half < batchSize ? half : half / batchSize * batchSize;
    }

    private static RunConfig FitBatch(
        RunConfig config, int images, int processes, Func<string, bool> isSet, List<string> changes)
    {
        var (batch, groups) = (config.BatchSize, config.BnGroups);
        var keepsGroups = isSet("bnGroups");
        while (
            batch * StepsPerEpoch > images
            && batch % 2 == 0
            && batch / 2 >= SmallestBatch
            && batch / 2 % processes == 0
            && (!keepsGroups || batch / 2 % groups == 0))
        {
            batch /= 2;
        }

        if (batch == config.BatchSize)
        {
            return config;
        }

        while (!keepsGroups && groups % 2 == 0 && batch < groups * ImagesPerGroup && groups / 2 % processes == 0)
        {
            groups /= 2;
        }

        if (batch % groups != 0)
        {
            return config; // an odd group size cannot be halved
        }

        changes.Add(
            Change("batchSize", batch, config.BatchSize, $"{images} images make {images / batch} steps an epoch"));
        if (groups != config.BnGroups)
        {
            changes.Add(Change("bnGroups", groups, config.BnGroups, $"{batch / groups} images a group"));
        }

        var optimizer = config.Optimizer;
        if (!isSet("optimizer.learningRate") && optimizer.LearningRateScaling == LearningRateScaling.None)
        {
            optimizer = optimizer with { LearningRate = optimizer.LearningRate * batch / config.BatchSize };
            changes.Add(
                Change(
                    "optimizer.learningRate", optimizer.LearningRate, config.Optimizer.LearningRate,
                    "in proportion to batchSize"));
        }

        return config with { BatchSize = batch, BnGroups = groups, Optimizer = optimizer };
    }

    private static string Change(string key, double value, double before, string why) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{key} {value} instead of {before}: {why}. --set {key}=... sets another.");
}
