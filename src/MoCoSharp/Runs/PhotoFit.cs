using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;

namespace MoCoSharp.Runs;

/// <summary>What a recipe is sized for.</summary>
/// <param name="Images">Number of images.</param>
/// <param name="Side">Median of the shorter sides of some images, in pixels.</param>
/// <param name="Cores">Cores of all processes together.</param>
/// <param name="Gpus">GPUs of all processes together; 0 trains on the CPU.</param>
/// <param name="Processes">Processes that train together. They divide the batch and its BatchNorm groups.</param>
/// <param name="Minutes">The time budget; null takes an hour to choose encoder and views.</param>
internal readonly record struct PhotoFacts(
    int Images, int Side, int Cores, int Gpus = 0, int Processes = 1, double? Minutes = null);

/// <summary>
/// Sizes a recipe for somebody's own images and a time budget: encoder, views, batch, BatchNorm groups, queue, learning
/// rate and the most epochs. All numbers are at the top of this file.
/// </summary>
internal static class PhotoFit
{
    /// <summary>An encoder with its views, the images that it is for, and the epochs that it needs.</summary>
    private sealed record Level(int Size, int Width, EncoderStem Stem, int FewestImages, int FewestEpochs);

    // The first row is taken for which there are enough images, and enough epochs in the budget.
    private static readonly Level[] Levels =
    [
        new(Size: 224, Width: 64, EncoderStem.ImageNet, FewestImages: 20_000, FewestEpochs: 100), // GPUs
        new(Size: 96, Width: 64, EncoderStem.Small, FewestImages: 20_000, FewestEpochs: 100),
        new(Size: 64, Width: 32, EncoderStem.Small, FewestImages: 0, FewestEpochs: 10),
        new(Size: 48, Width: 32, EncoderStem.Small, FewestImages: 0, FewestEpochs: 10),
        new(Size: 32, Width: 32, EncoderStem.Small, FewestImages: 0, FewestEpochs: 5),
        new(Size: 32, Width: 16, EncoderStem.Small, FewestImages: 0, FewestEpochs: 0),
    ];

    private const int SmallSide = 40; // Images up to this side have views of 32 pixels, which evaluation does not crop.
    private const int SmallSize = 32;
    private const double MostEnlarged = 1.5; // Larger images have views of at most 1.5 times their side.
    // A random crop of 20 to 100 % of an image shows things 1.4 times as large as the whole image of that size.
    // So images are evaluated at a larger size: Touvron et al. 2019, arXiv 1906.06423. docs/results.md has the gain.
    private const double EvaluationEnlarged = 1.4;
    private const int EvaluationStep = 16; // pixels of an image for each of the encoder's last features, stem "small"
    private const int ManyTimesTheView = 4; // JPEG files of this many views a side are decoded at reduced size.

    private static readonly (int FewestImages, int Batch)[] Batches = [(1000, 128), (400, 64), (0, 32)];
    private const int StepsPerEpoch = 4; // The batch is halved until an epoch has so many steps.
    private const int ImagesPerGroup = 64; // of BatchNorm; fewer images give noisy statistics
    private const double RatePerImage = 0.12 / 128; // the learning rate, for each image of a batch
    private const int LongestQueue = 4096;
    private static readonly (int FewestImages, int Epochs)[] MostEpochs = [(1000, 400), (0, 800)];

    // Of a rough estimate that chooses a row of Levels. Epochs are chosen later, from measured steps.
    private const double DefaultMinutes = 60;
    private const double Passes = 6; // forward passes of a step, for two views; a backward pass counts twice
    private const double Operations = 126e6; // of ResNet-10, width 64, stem "small", views of 32 pixels
    private const double OperationsPerCore = 60e9; // in a second
    private const double OperationsPerGpu = 1e13;

    /// <summary>Sizes a recipe.</summary>
    /// <param name="config">The recipe.</param>
    /// <param name="facts">The images and the machine.</param>
    /// <param name="isSet">Whether the user chose the setting of this name; it is then kept.</param>
    /// <returns>
    /// The configuration, with <see cref="RunConfig.SizeToImages"/> off, and a sentence for each choice that begins
    /// with the setting.
    /// </returns>
    public static (RunConfig Config, IReadOnlyList<string> Choices) Apply(
        RunConfig config, PhotoFacts facts, Func<string, bool> isSet)
    {
        var choices = new List<string>();
        config = config with { SizeToImages = false };
        ChooseViews();
        ChooseBatch();
        ChooseQueue();
        var epochs = MostEpochs.First(row => facts.Images >= row.FewestImages).Epochs;
        Choose(
            "epochs", $"at most {epochs}", $"more do not help {facts.Images} images", config with { Epochs = epochs });
        choices.Add("--set KEY=VALUE replaces any of these choices");
        return (config, choices);

        void ChooseViews()
        {
            var isSmall = facts.Side <= SmallSide;
            var largest = isSmall ? SmallSize : MostEnlarged * facts.Side;
            var level = Levels.First(row =>
                row == Levels[^1]
                || (row.Size <= largest
                    && facts.Images >= row.FewestImages
                    && Epochs(Taken(row)) >= row.FewestEpochs));
            var taken = Taken(level);
            var why = string.Create(
                CultureInfo.InvariantCulture,
                $"about {Epochs(taken):F0} epochs of {facts.Images} images in " +
                $"{facts.Minutes ?? DefaultMinutes} minutes on {Machine(facts)}");
            Choose("views.size", $"{taken.Views.Size}", $"images of about {facts.Side} pixels; {why}", taken);
            Choose("encoder.width", $"{taken.Encoder.Width}", why, taken);
            Choose(
                "encoder.stem", taken.Encoder.Stem.Name(), $"for views of {taken.Views.Size} pixels", taken);
            config = taken;
            var evaluated = (int)Math.Round(EvaluationEnlarged * config.Views.Size / EvaluationStep) * EvaluationStep;
            Choose(
                "views.evaluationSize", $"{evaluated}", "crops enlarge what they show by 1.4 on average",
                config with { Views = config.Views with { EvaluationSize = evaluated } });
            if (isSmall)
            {
                Choose(
                    "views.recipe", ViewRecipe.CifarDemo.Name(), "small images are evaluated without cropping",
                    config with { Views = config.Views with { Recipe = ViewRecipe.CifarDemo } });
            }

            if (facts.Side >= ManyTimesTheView * config.Views.Size)
            {
                Choose(
                    "views.scaledDecoding", "true", "JPEG files are decoded at reduced size, several times as fast",
                    config with { Views = config.Views with { ScaledDecoding = true } });
            }
        }

        void ChooseBatch()
        {
            var batch = Batches.First(row => facts.Images >= row.FewestImages).Batch;
            while (batch * StepsPerEpoch > facts.Images && batch / 2 >= ImageFit.SmallestBatch)
            {
                batch /= 2;
            }

            batch = MultipleOf(isSet("bnGroups") ? config.BnGroups : facts.Processes, batch);
            Choose(
                "batchSize", $"{batch}", $"{facts.Images / batch} steps an epoch", config with { BatchSize = batch });
            batch = config.BatchSize;
            // SimCLR normalizes the whole batch.
            var groups = config.MoCo is null ? 1 : Math.Max(1, batch / ImagesPerGroup);
            groups = batch % MultipleOf(facts.Processes, groups) == 0 ? MultipleOf(facts.Processes, groups) : 1;
            Choose(
                "bnGroups", $"{groups}", $"BatchNorm groups of {batch / groups} images",
                config with { BnGroups = groups });
            if (config is { MoCo: { } moco, BnGroups: 1 } && !isSet("moco.shuffle"))
            {
                config = config with { MoCo = moco with { Shuffle = false } }; // one group: there is nothing to shuffle
            }

            var rate = RatePerImage * batch;
            Choose(
                "optimizer.learningRate", rate.ToString("0.#####", CultureInfo.InvariantCulture),
                "in proportion to batchSize",
                config with { Optimizer = config.Optimizer with { LearningRate = rate } });
        }

        void ChooseQueue()
        {
            if (config.MoCo is { } moco)
            {
                var keys = Math.Min(LongestQueue, ImageFit.QueueSize(facts.Images, config.BatchSize));
                Choose(
                    "moco.queueSize", $"{keys}",
                    "at most half of the images, so that few negatives show the same image",
                    config with { MoCo = moco with { QueueSize = keys } });
            }
        }

        // The configuration with a row of the table, but for what the user chose.
        RunConfig Taken(Level row) => config with
        {
            Views = isSet("views.size") ? config.Views : config.Views with { Size = row.Size },
            Encoder = config.Encoder with
            {
                Width = isSet("encoder.width") ? config.Encoder.Width : row.Width,
                Stem = isSet("encoder.stem") ? config.Encoder.Stem : row.Stem,
            },
        };

        double Epochs(RunConfig sized) =>
            60 * (facts.Minutes ?? DefaultMinutes) * Rate(facts) / (Passes * OperationsOf(sized) * facts.Images);

        void Choose(string key, string value, string why, RunConfig changed)
        {
            if (!isSet(key))
            {
                config = changed;
                choices.Add($"{key} {value}: {why}");
            }
        }
    }

    private static double OperationsOf(RunConfig config)
    {
        var (width, size) = (config.Encoder.Width / 64.0, config.Views.Size / 32.0);
        var stem = config.Encoder.Stem switch
        {
            EncoderStem.ImageNet => 0.25,
            EncoderStem.Cifar => 4,
            _ => 1,
        };
        return Operations * stem * width * width * size * size;
    }

    private static double Rate(PhotoFacts facts) =>
        facts.Gpus > 0 ? facts.Gpus * OperationsPerGpu : facts.Cores * OperationsPerCore;

    private static string Machine(PhotoFacts facts) => facts switch
    {
        { Gpus: 1 } => "a GPU",
        { Gpus: > 1 } => $"{facts.Gpus} GPUs",
        { Cores: 1 } => "a core",
        _ => $"{facts.Cores} cores",
    };

    private static int MultipleOf(int processes, int number) => (number + processes - 1) / processes * processes;
}
