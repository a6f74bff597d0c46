using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>
/// L2-normalized features of images, by the encoder that the user names. They are kept for the next time.
/// </summary>
/// <param name="encoder">The encoder.</param>
/// <param name="cacheFolder">The folder in which features are kept; null keeps none.</param>
/// <param name="progress">Shows how many are done, and warns about broken images.</param>
internal sealed class TargetFeatures(EncoderTarget encoder, string? cacheFolder, EvaluationProgress progress)
{
    /// <summary>The output to use.</summary>
    public FeatureLayer Layer { get; init; } = FeatureLayer.Pooled;

    /// <summary>Whether photos are turned upright, even if training did not.</summary>
    public bool IsUpright { get; init; }

    /// <summary>Whether to show how many are done. Without a terminal, that is lines of output.</summary>
    public bool IsShown { get; init; } = true;

    /// <summary>Whether broken images are named. Each is named once.</summary>
    public bool NamesBroken { get; init; } = true;

    /// <summary>The most values of features, M x D, that the verb can use.</summary>
    public long MostValues { get; init; } = long.MaxValue;

    /// <summary>Whether features are kept, also those that were computed when the user stops the work.</summary>
    public bool Keeps => cacheFolder is not null;

    /// <summary>Whether photos are turned upright, by the user or as in training.</summary>
    public bool TurnsPhotos => IsUpright || encoder.Config.Views.ExifOrientation;

    /// <summary>Gets the features of every readable image. Only those that are not kept yet are computed.</summary>
    /// <param name="images">The images.</param>
    /// <param name="cancellation">Ends the work early. What is computed until then is kept.</param>
    /// <exception cref="InvalidDataException">No image can be read, or there are too many images.</exception>
    public FeatureSet Of(IImageDataset images, CancellationToken cancellation)
    {
        var width = Layer == FeatureLayer.Head ? encoder.Encoder.OutputSize : encoder.Encoder.FeatureSize;
        if (images.Count > MostValues / width)
        {
            throw new InvalidDataException(
                $"{images.Description}: {images.Count} images with features of {width} values are too many, expected " +
                $"at most {MostValues / width} images. Take a part of them, as a folder or a list.");
        }

        var trained = encoder.Trained with
        {
            Views = encoder.Config.Views with { ExifOrientation = TurnsPhotos },
        };
        var store = new ImageFeatureStore(cacheFolder, trained.Encoder, ViewRecipes.Evaluation(trained.Views), Layer)
        {
            Loader = encoder.Config.Loader,
            Device = encoder.Device,
            Progress = IsShown ? progress.Show : null,
            BadImageFound = NamesBroken ? progress.Show : null,
            Noted = text => Console.Error.WriteLine($"moco: note: {text}"),
        };
        var features = store.Get(images, cancellation);
        var kept = features.Indices.Length - features.Computed;
        if (kept > 0)
        {
            Console.Error.WriteLine(
                $"moco: note: features of {kept} of {features.Indices.Length} images were kept in {cacheFolder}.");
        }

        return features;
    }

    /// <summary>The features of some images. The other ones are disposed.</summary>
    /// <param name="features">The features of all images.</param>
    /// <param name="isWanted">Whether the image of an index in the data set is kept.</param>
    public static FeatureSet Only(FeatureSet features, Func<int, bool> isWanted)
    {
        int[] rows =
        [
            .. Enumerable.Range(0, features.Indices.Length).Where(row => isWanted(features.Indices[row])),
        ];
        if (rows.Length == features.Indices.Length)
        {
            return features;
        }

        using (features)
        {
            using var places = tensor(rows.Select(row => (long)row).ToArray());
            return new FeatureSet(
                features.Values.index_select(0, places), [.. rows.Select(row => features.Labels[row])],
                [.. rows.Select(row => features.Indices[row])], [.. rows.Select(row => features.Names![row])]);
        }
    }
}
