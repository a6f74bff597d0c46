using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// MoCo's official linear classification: a linear layer on the pooled features of a frozen encoder, trained on
/// randomly cropped and flipped images. The encoder stays in evaluation mode. A hash of its weights verifies that no
/// bit changes.
/// </summary>
/// <remarks>
/// He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 4.1 and the official main_lincls.py.
/// </remarks>
/// <param name="encoder">The frozen encoder. Its head is not used.</param>
/// <param name="train">The labeled training images.</param>
/// <param name="validation">The labeled test images, of the same classes.</param>
/// <param name="views">Size, mean and std of the views.</param>
/// <param name="options">The protocol.</param>
/// <param name="loader">Workers and prefetching.</param>
/// <param name="device">The device of the encoder.</param>
/// <param name="group">
/// The ranks that share the work, each with the same encoder; null uses this process alone. Each rank extracts the
/// features of its part of a batch. Every rank then trains the classifier on all features, which is cheap.
/// </param>
internal sealed class LinearProbe(
    Encoder encoder, IImageDataset train, IImageDataset validation, ViewOptions views, LinearOptions options,
    LoaderOptions loader, Device device, IProcessGroup? group = null)
{
    private readonly IProcessGroup _group = group ?? SingleProcess.Instance;
    private readonly int[] _labelled = [.. Enumerable.Range(0, train.Count).Where(index => train.LabelOf(index) >= 0)];

    /// <summary>The complete protocol. A state with another protocol is refused.</summary>
    public string Protocol { get; } =
        "linear, official: frozen query encoder in evaluation mode, pooled features as they are; " +
        FormattableString.Invariant($"SGD lr {options.LearningRate} momentum {options.Momentum} ") +
        FormattableString.Invariant($"weight decay {options.WeightDecay}, x0.1 at ") +
        FormattableString.Invariant($"{string.Join(" and ", options.Milestones)} of {options.Epochs} epochs, ") +
        FormattableString.Invariant($"batch {options.BatchSize}, seed {options.Seed}; ") +
        $"random crop 8-100 % and flip at {views.Size} px; judged on resize and center crop; trained on " +
        $"{train.Description} ({train.Count}), judged on {validation.Description} ({validation.Count})";

    /// <summary>Called with the number of images done in this epoch, and their total.</summary>
    public Action<int, int>? Progress { get; init; }

    /// <summary>Called each time a broken image is read, from any thread. The image is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Called with a warning if the state could not be saved. Training continues.</summary>
    public Action<string>? Warned { get; init; }

    /// <summary>Called after each epoch.</summary>
    public Action<EpochScores>? EpochDone { get; init; }

    /// <summary>
    /// Called with the classifier of the last epoch: weight [classes, D] and bias [classes]. They are valid only during
    /// the call.
    /// </summary>
    public Action<Tensor, Tensor>? Trained { get; set; }

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
        var before = WeightHash.Of(encoder);
        using var classifier = new LinearClassifier(encoder.FeatureSize, train.ClassNames.Count, options, device);
        var state = new EpochState(statePath, before, Protocol);
        var epochs = state.Broadcast(_group, classifier.State, state.Load(classifier.State));

        // The encoder is frozen and this view is not random, so the test features are the same in every epoch.
        using var judged = FeatureExtractor.Extract(
            encoder, validation, ViewRecipes.Evaluation(views), FeatureLayer.Pooled, loader, device, normalize: false,
            badImage: BadImageFound, cancellation: cancellation, group: _group);
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
                var done = new EpochScores(
                    epochs.Count + 1, options.LearningRateAt(epochs.Count), loss, scores.Top1, scores.Top5);
                epochs.Add(done);
                if (state.TrySave(classifier.State, epochs) is { } fault)
                {
                    Warned?.Invoke(fault);
                }

                EpochDone?.Invoke(done);
            }
        }
        finally
        {
            encoder.train(wasTraining);
        }

        if (WeightHash.Of(encoder) != before)
        {
            throw new InvalidOperationException(
                "Linear evaluation changed the weights of the frozen encoder: the scores are invalid.");
        }

        Trained?.Invoke(classifier.Weight, classifier.Bias);
        return new ClassificationResult(epochs, scores);
    }

    private double TrainEpoch(
        LinearClassifier classifier, ViewTransform transform, int epoch, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var sum = zeros([], dtype: float64, device: device);
        var seen = 0;
        foreach (var (features, labels) in Batches(transform, epoch, cancellation))
        {
            using var passing = NewDisposeScope();
            var loss = classifier.Step(features, labels, options.LearningRateAt(epoch));
            sum.add_(loss.to(float64), alpha: Held(labels.shape[0]));
            seen += (int)labels.shape[0];
            Progress?.Invoke(seen, _labelled.Length);
            features.Dispose();
            labels.Dispose();
        }

        var mean = sum.item<double>() / Math.Max(1, seen); // waits for the device, once an epoch
        return double.IsFinite(mean)
            ? mean
            : throw new InvalidDataException(
                FormattableString.Invariant($"Loss of the linear classifier is {mean} in epoch {epoch + 1}, ") +
                FormattableString.Invariant($"learning rate {options.LearningRateAt(epoch):G3}. ") +
                "Lower the learning rate (--lr).");
    }

    // [N, D] and [N] of every batch, in batch order on every rank.
    private IEnumerable<(Tensor Features, Tensor Labels)> Batches(
        ViewTransform transform,
        int epoch,
        CancellationToken cancellation)
    {
        // If one rank stopped alone, the others would wait for it.
        var stop = _group.Size == 1 ? cancellation : CancellationToken.None;
        using var batches = ViewLoader.Labeled(
            train, _labelled, transform, loader, options.Seed, epoch, options.BatchSize, BadImageFound,
            _group.Rank, _group.Size, stop)
        .GetEnumerator();
        if (_group.Size == 1)
        {
            while (batches.MoveNext())
            {
                using var batch = batches.Current;
                yield return (
                    Features(batch).DetachFromDisposeScope(),
                    DeviceCopy.To(tensor(batch.Labels.AsSpan(0, batch.Count).ToArray(), dtype: int64), device)
                        .DetachFromDisposeScope());
            }

            yield break;
        }

        // If all images of this rank's share of a batch are broken, the loader skips the batch. The places of the
        // images in the epoch identify the batch that it returns.
        var order = EpochOrder.Shuffled(_labelled.Length, options.Seed, epoch);
        var places = new int[train.Count];
        for (var place = 0; place < order.Length; place++)
        {
            places[_labelled[order[place]]] = place;
        }

        var waiting = batches.MoveNext();
        for (var number = 0; number * (long)options.BatchSize < order.Length; number++)
        {
            if (GroupRows.AnyRank(_group, cancellation.IsCancellationRequested))
            {
                throw new OperationCanceledException(cancellation);
            }

            var isMine = waiting && places[batches.Current.Indices[0]] / options.BatchSize == number;
            var (rows, labels) = GatherBatch(isMine ? batches.Current : null, places);
            waiting = isMine ? batches.MoveNext() : waiting;
            if (rows.shape[0] > 0)
            {
                yield return (rows, labels);
            }
        }
    }

    // The features of all ranks, in batch order.
    private (Tensor Features, Tensor Labels) GatherBatch(ViewBatch? mine, int[] places)
    {
        using var scope = NewDisposeScope();
        var (features, numbers) = (zeros(0, encoder.FeatureSize), zeros(0, 2, dtype: int64));
        if (mine is not null)
        {
            using var batch = mine;
            features = Features(batch).cpu();
            long[] pairs =
            [
                .. batch
                    .Indices.Take(batch.Count)
                    .Zip(batch.Labels)
                    .SelectMany(item => new[] { (long)places[item.First], item.Second }),
            ];
            numbers = tensor(pairs, [batch.Count, 2]);
        }

        var (rows, of) = GroupRows.Gather(_group, features, numbers);
        var inOrder = of.select(1, 0).argsort();
        return (
            rows.index_select(0, inOrder).to(device).DetachFromDisposeScope(),
            of.select(1, 1).index_select(0, inOrder).to(device).DetachFromDisposeScope());
    }

    private Tensor Features(ViewBatch batch)
    {
        using var scope = NewDisposeScope();
        return Features(HostMemory.Images(batch.Query, batch.Count, batch.Size, device)).MoveToOuterDisposeScope();
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
