using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>L2-normalized features of images, by the encoder that the user names.</summary>
internal static class TargetFeatures
{
    /// <summary>Computes the features of every readable image, and shows the progress.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="images">The images.</param>
    /// <param name="upright">Whether photos are turned upright, even if training did not.</param>
    /// <param name="progress">Shows how many are done, and warns about broken images.</param>
    /// <param name="isShown">Whether to show how many are done. Without a terminal, that is lines of output.</param>
    /// <param name="isWanted">Whether an image is kept; null keeps all.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static FeatureSet Of(
        EncoderTarget encoder, IImageDataset images, bool upright, EvaluationProgress progress, bool isShown,
        Func<int, bool>? isWanted = null, CancellationToken cancellation = default)
    {
        var views = encoder.Config.Views with { ExifOrientation = encoder.Config.Views.ExifOrientation || upright };
        DataNotices.TellTurned(images, views.ExifOrientation, "--exif-orientation");
        var (values, labels, indices, done) = (new List<float>(), new List<int>(), new List<int>(), 0);
        (encoder.Trained with { Views = views }).ExtractEach(
            images, Keep, FeatureLayer.Pooled, normalize: true, encoder.Config.Loader, progress.Show,
            cancellation: cancellation);
        var width = encoder.Encoder.FeatureSize;
        return new FeatureSet(
            tensor(values.ToArray(), [indices.Count, width]), [.. labels], [.. indices],
            [.. indices.Select(images.NameOf)]);

        void Keep(FeatureSet batch)
        {
            var rows = HostMemory.Floats(batch.Values); // [N, D]
            for (var i = 0; i < batch.Indices.Length; i++)
            {
                if (isWanted is null || isWanted(batch.Indices[i]))
                {
                    values.AddRange(rows.AsSpan(i * encoder.Encoder.FeatureSize, encoder.Encoder.FeatureSize));
                    labels.Add(batch.Labels[i]);
                    indices.Add(batch.Indices[i]);
                }
            }

            done += batch.Indices.Length;
            if (isShown)
            {
                progress.Show("images", done, images.Count);
            }
        }
    }
}
