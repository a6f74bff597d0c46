using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Tensors;
using TorchSharp;
using static MoCoSharp.Tensors.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// MoCo's official linear classification: a linear layer on the pooled features of a frozen encoder, trained on randomly cropped and flipped
/// images. The encoder is in evaluation mode throughout, and proved afterwards to be the same to the bit.
/// </summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 4.1 and the official main_lincls.py.</remarks>
/// <param name="encoder">Stays as it is; its head takes no part.</param>
/// <param name="train">Labelled images.</param>
/// <param name="validation">Labelled images to judge by, of the same classes.</param>
/// <param name="views">Size, mean and std of the views.</param>
/// <param name="options">The protocol.</param>
/// <param name="loader">Workers and prefetch.</param>
/// <param name="device">Where the encoder lives.</param>
public sealed class LinearProbe(
    Encoder encoder, IImageDataset train, IImageDataset validation, ViewOptions views, LinearOptions options, LoaderOptions loader, Device device)
{
    private readonly int[] _labelled = [.. Enumerable.Range(0, train.Count).Where(index => train.LabelOf(index) >= 0)];

    /// <summary>The protocol in full: stands beside every number, and a state of another one is refused.</summary>
    public string Protocol { get; } = FormattableString.Invariant(
        $"linear, official: frozen query encoder in evaluation mode, pooled features as they are; SGD lr {options.LearningRate} momentum {options.Momentum} ") +
        FormattableString.Invariant($"weight decay {options.WeightDecay}, x0.1 at {string.Join(" and ", options.Milestones)} of {options.Epochs} epochs, batch {options.BatchSize}, seed {options.Seed}; ") +
        $"random crop 8-100 % and flip at {views.Size} px; judged on resize and centre crop; trained on {train.Description} ({train.Count}), judged on {validation.Description} ({validation.Count})";

    /// <summary>Told the images seen of this epoch, and of how many.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Told of each broken image whenever it is met, on the thread that met it; it takes no part.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Told every epoch's numbers.</summary>
    public Action<EpochScores>? EpochDone { get; init; }

    /// <summary>Trains and judges, epoch by epoch.</summary>
    /// <param name="statePath">Saved after each epoch, and gone on from where it is there already; null saves nothing.</param>
    /// <param name="cancellation">Ends the work; the epochs done are in the file.</param>
    /// <exception cref="InvalidDataException">The file is of another evaluation, or training diverged.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ClassificationResult Run(string? statePath, CancellationToken cancellation)
    {
        var before = WeightHash.Of(encoder);
        using var classifier = new LinearClassifier(encoder.FeatureSize, train.ClassNames.Count, options, device);
        var state = new EpochState(statePath, before, Protocol);
        var epochs = state.Load(classifier.State);

        // The encoder is frozen and this view draws nothing: the features to judge by are the same in every epoch.
        using var judged = FeatureExtractor.Extract(
            encoder, validation, ViewRecipes.Evaluation(views), FeatureLayer.Pooled, loader, device, normalize: false, badImage: BadImageFound, cancellation: cancellation);
        var transform = ViewRecipes.Supervised(views);
        var scores = Judge(classifier, judged);
        var wasTraining = encoder.training;
        encoder.eval();
        try
        {
            while (epochs.Count < options.Epochs)
            {
                var loss = TrainEpoch(classifier, transform, epochs.Count, cancellation);
                scores = Judge(classifier, judged);
                var done = new EpochScores(epochs.Count + 1, options.LearningRateAt(epochs.Count), loss, scores.Top1, scores.Top5);
                epochs.Add(done);
                state.Save(classifier.State, epochs);
                EpochDone?.Invoke(done);
            }
        }
        finally
        {
            encoder.train(wasTraining);
        }

        return WeightHash.Of(encoder) == before
            ? new ClassificationResult(epochs, scores)
            : throw new InvalidOperationException("The frozen encoder is not the same to the bit as before its linear evaluation: the result is void.");
    }

    private double TrainEpoch(LinearClassifier classifier, ViewTransform transform, int epoch, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var sum = zeros([], dtype: float64, device: device);
        var seen = 0;
        foreach (var batch in ViewLoader.Labelled(train, _labelled, transform, loader, options.Seed, epoch, options.BatchSize, BadImageFound, cancellation))
        {
            using (batch)
            using (NewDisposeScope())
            {
                var features = Features(HostMemory.Images(batch.Query, batch.Count, batch.Size, device));
                var labels = tensor(batch.Labels.AsSpan(0, batch.Count).ToArray(), dtype: int64, device: device);
                var loss = classifier.Step(features, labels, options.LearningRateAt(epoch));
                sum.add_(loss.to(float64), alpha: Held(batch.Count));
                seen += batch.Count;
                Progress?.Invoke(seen, _labelled.Length);
            }
        }

        var mean = sum.item<double>() / Math.Max(1, seen); // waits for the device, once an epoch
        return double.IsFinite(mean)
            ? mean
            : throw new InvalidDataException(FormattableString.Invariant(
                $"Loss of the linear classifier is {mean} in epoch {epoch + 1}, learning rate {options.LearningRateAt(epoch):G3}. Lower the learning rate (--lr)."));
    }

    private Tensor Features(Tensor images)
    {
        using var noGrad = no_grad();
        return encoder.Features(images);
    }

    private ClassificationScores Judge(LinearClassifier classifier, FeatureSet judged)
    {
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(train.ClassNames);
        scores.Add(classifier.Scores(judged.Values.to(device)), judged.Labels);
        return scores;
    }
}
