using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Trains a whole encoder with a new linear classifier on some or all labels, from pre-trained weights or from scratch.
/// BatchNorm trains too, over whole batches.
/// </summary>
/// <param name="architecture">The architecture of the encoder. A linear classifier replaces its head.</param>
/// <param name="pretrained">The encoder whose weights are copied; null starts from scratch.</param>
/// <param name="train">The labeled training images.</param>
/// <param name="indices">The images whose labels are used; see <see cref="LabelSubset"/>.</param>
/// <param name="validation">The labeled test images, of the same classes.</param>
/// <param name="views">Size, mean and std of the views.</param>
/// <param name="options">The protocol.</param>
/// <param name="loader">Workers and prefetching.</param>
/// <param name="device">The device to train on.</param>
internal sealed class FineTuning(
    EncoderOptions architecture,
    Encoder? pretrained,
    IImageDataset train,
    IReadOnlyList<int> indices,
    IImageDataset validation,
    ViewOptions views,
    FineTuningOptions options,
    LoaderOptions loader,
    Device device)
{
    /// <summary>The complete protocol. A state with another protocol is refused.</summary>
    public string Protocol { get; } =
        $"fine-tuning {(pretrained is null ? "from scratch" : "of the pre-trained query encoder")} " +
        FormattableString.Invariant($"on {indices.Count} of {train.Count} images; ") +
        FormattableString.Invariant($"SGD lr {options.EncoderLearningRate} (encoder) ") +
        FormattableString.Invariant($"and {options.HeadLearningRate} (head), momentum {options.Momentum}, ") +
        FormattableString.Invariant($"weight decay {options.WeightDecay}, x{options.Decay} at ") +
        FormattableString.Invariant($"{string.Join(" and ", options.Milestones)} of {options.Epochs} epochs, ") +
        FormattableString.Invariant($"batch {options.BatchSize}, seed {options.Seed}; ") +
        $"random crop 8-100 % and flip at {views.Size} px; judged on resize and center crop; " +
        $"trained on {train.Description}, judged on {validation.Description} ({validation.Count})";

    /// <summary>Called with the number of images done in this epoch, and their total.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Called each time a broken image is read, from any thread. The image is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Called with a warning if the state could not be saved. Training continues.</summary>
    public Action<string>? Warned { get; init; }

    /// <summary>Called after each epoch.</summary>
    public Action<EpochScores>? EpochDone { get; init; }

    /// <summary>
    /// Called with the encoder of the last epoch. Its head is the classifier. It is valid only during the call.
    /// </summary>
    public Action<Encoder>? Trained { get; set; }

    /// <summary>Trains, and scores the test images after every epoch.</summary>
    /// <param name="statePath">
    /// The state file, written after each epoch. If it exists, training resumes from it. Null saves nothing.
    /// </param>
    /// <param name="cancellation">Ends the work early. The state file keeps the completed epochs.</param>
    /// <exception cref="InvalidDataException">
    /// The state file belongs to another evaluation, or training diverged.
    /// </exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public ClassificationResult Run(string? statePath, CancellationToken cancellation)
    {
        using var model = Classifier();
        var parameters = model
            .named_parameters()
            .ToLookup(item => item.name.StartsWith("fc.", StringComparison.Ordinal));
        using var encoderOptimizer = new Sgd([.. parameters[false]], options.Momentum, options.WeightDecay);
        using var headOptimizer = new Sgd([.. parameters[true]], options.Momentum, options.WeightDecay);
        List<(string Name, Tensor Tensor)> tensors =
        [
            .. model.state_dict().Select(item => (item.Key, item.Value)),
            .. encoderOptimizer
                .Velocities.Concat(headOptimizer.Velocities)
                .Select(item => ("velocity." + item.Name, item.Velocity)),
        ];
        var state = new EpochState(
            statePath,
            pretrained is null ? "from scratch" : WeightHash.Of(pretrained),
            Protocol);
        var epochs = state.Load(tensors);
        var scores = epochs.Count < options.Epochs ? null : Judge(model, cancellation);
        while (epochs.Count < options.Epochs)
        {
            var loss = TrainEpoch(model, encoderOptimizer, headOptimizer, epochs.Count, cancellation);
            scores = Judge(model, cancellation);
            var done = new EpochScores(
                epochs.Count + 1, options.LearningRatesAt(epochs.Count).Head, loss, scores.Top1, scores.Top5);
            epochs.Add(done);
            if (state.TrySave(tensors, epochs) is { } fault)
            {
                Warned?.Invoke(fault);
            }

            EpochDone?.Invoke(done);
        }

        Trained?.Invoke(model);
        return new ClassificationResult(epochs, scores!);
    }

    // The pre-trained layers with a linear classifier as head: weights N(0, 0.01), bias 0, as in linear classification.
    private Encoder Classifier()
    {
        using var random = new Generator(RandomStreams.Weights(options.Seed));
        var model = new Encoder(
            architecture with
            {
                Head = EncoderHead.Linear,
            },
            train.ClassNames.Count,
            bnGroups: 1,
            random);
        using (no_grad())
        using (NewDisposeScope())
        {
            var source = pretrained?.state_dict();
            foreach (var (name, tensor) in model.state_dict())
            {
                if (name == "fc.weight")
                {
                    tensor.normal_(0, 0.01, random);
                }
                else if (name == "fc.bias")
                {
                    tensor.zero_();
                }
                else if (source is not null)
                {
                    tensor.copy_(source[name]);
                }
            }
        }

        model.to(device);
        return model;
    }

    private double TrainEpoch(
        Encoder model, Sgd encoderOptimizer, Sgd headOptimizer, int epoch, CancellationToken cancellation)
    {
        model.train();
        using var scope = NewDisposeScope();
        var sum = zeros([], dtype: float64, device: device);
        var seen = 0;
        foreach (
            var batch in ViewLoader.Labeled(
                train, indices, ViewRecipes.Supervised(views), loader, options.Seed, epoch, options.BatchSize,
                BadImageFound, cancellation: cancellation))
        {
            using (batch)
            using (NewDisposeScope())
            {
                if (batch.Count == 1)
                {
                    continue; // BatchNorm needs at least two images
                }

                var scores = model.call(HostMemory.Images(batch.Query, batch.Count, batch.Size, device));
                var loss = functional.cross_entropy(
                    scores,
                    DeviceCopy.To(tensor(batch.Labels.AsSpan(0, batch.Count).ToArray(), dtype: int64), device));
                BackwardPass.Run(loss);
                var rates = options.LearningRatesAt(epoch);
                encoderOptimizer.Step(rates.Encoder);
                headOptimizer.Step(rates.Head);
                encoderOptimizer.ClearGradients();
                headOptimizer.ClearGradients();
                using (no_grad())
                {
                    sum.add_(loss.detach().to(float64), alpha: Held(batch.Count));
                }

                seen += batch.Count;
                Progress?.Invoke(seen, indices.Count);
            }
        }

        var mean = sum.item<double>() / Math.Max(1, seen); // waits for the device, once an epoch
        return double.IsFinite(mean)
            ? mean
            : throw new InvalidDataException(
                FormattableString.Invariant(
                    $"Loss is {mean} in epoch {epoch + 1} of fine-tuning. Lower the learning rates (--lr, --head-lr).")
            );
    }

    private ClassificationScores Judge(Encoder model, CancellationToken cancellation)
    {
        using var judged = FeatureExtractor.Extract(
            model, validation, ViewRecipes.Evaluation(views), FeatureLayer.Head, loader, device, normalize: false,
            badImage: BadImageFound, cancellation: cancellation);
        var scores = new ClassificationScores(train.ClassNames);
        scores.Add(judged.Values, judged.Labels);
        return scores;
    }
}
