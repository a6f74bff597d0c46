using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using MoCoSharp.Runs;
using TorchSharp;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Reports;

/// <summary>The features of the same images by the encoder of a run before training, and at its checkpoints.</summary>
/// <param name="run">The run folder.</param>
/// <param name="images">The images.</param>
/// <param name="loader">Workers and prefetching.</param>
/// <param name="device">Where features are computed.</param>
internal sealed class EncoderStages(RunFolder run, IImageDataset images, LoaderOptions loader, Device device)
{
    private const int MostCheckpoints = 4;

    /// <summary>Called with the number of images done in all stages, and of all.</summary>
    public Action<long, long>? Progress { get; init; }

    /// <summary>
    /// Computes the L2-normalized features of each stage, in the order of training. The caller disposes them.
    /// </summary>
    /// <param name="stepsPerEpoch">For the titles; null if unknown.</param>
    /// <param name="stop">Ends the work early.</param>
    /// <exception cref="InvalidDataException">No image can be read.</exception>
    public IEnumerable<(string Title, FeatureSet Features)> Extract(double? stepsPerEpoch, CancellationToken stop)
    {
        var checkpoints = Chosen();
        var config = run.ReadConfig();
        // Given weights are not those of the seed.
        var beginsUntrained = config.InitialWeights is null && !File.Exists(run.ImportPath);
        var (done, all) = (0, checkpoints.Count + (beginsUntrained ? 1 : 0));
        if (beginsUntrained)
        {
            using var method = config.CreateMethod(images: 1, SingleProcess.Instance);
            var untrained = new TrainedEncoder(method.Encoder, config.Views, 0, EncoderRole.Query, run.Path);
            yield return ("before training", Features(untrained, done++, all, stop));
        }

        foreach (var path in checkpoints)
        {
            if (TryLoad(path) is not { } encoder)
            {
                continue; // the health of the run names it
            }

            using (encoder)
            {
                yield return (Title(encoder.Step, stepsPerEpoch), Features(encoder, done++, all, stop));
            }
        }
    }

    private static string Title(long step, double? stepsPerEpoch) => stepsPerEpoch is { } count
        ? Invariant($"after {step / count:0.#} {(step == count ? "epoch" : "epochs")} (step {step})")
        : Invariant($"step {step}");

    // The first and the newest kept checkpoint, and some between them, the oldest first.
    private List<string> Chosen()
    {
        List<string> kept = [.. run.Checkpoints().Reverse()];
        var count = Math.Min(MostCheckpoints, kept.Count);
        return count < 2
            ? kept
            : [.. Enumerable.Range(0, count).Select(i => kept[i * (kept.Count - 1) / (count - 1)])];
    }

    private static TrainedEncoder? TryLoad(string path)
    {
        try
        {
            return TrainedEncoder.Load(path);
        }
        catch (Exception error) when (error is InvalidDataException or FileNotFoundException)
        {
            return null;
        }
    }

    private FeatureSet Features(TrainedEncoder encoder, int done, int all, CancellationToken stop)
    {
        encoder.Encoder.to(device);
        return encoder.Extract(
            images, FeatureLayer.Pooled, loader,
            count => Progress?.Invoke(((long)done * images.Count) + count, (long)all * images.Count), stop);
    }
}
