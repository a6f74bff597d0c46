using MoCoSharp.Data.Loading;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Trains a linear classifier for each of several learning rates, all at once: they have the same initial weights and
/// batches, so one product of matrices serves all.
/// </summary>
internal static class LinearScan
{
    /// <summary>Trains all classifiers, each as a <see cref="LinearClassifier"/> at its rate.</summary>
    /// <param name="features">On the CPU. Shape [M, D].</param>
    /// <param name="labels">0 to classes - 1. Length M.</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="rates">The initial learning rates. Length R.</param>
    /// <param name="options">The protocol; its learning rate is not used.</param>
    /// <param name="epochDone">Called with the number of complete epochs.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Weight [classes, D] and bias [classes] for each rate; not finite where training diverged.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<(Tensor Weight, Tensor Bias)> Train(
        Tensor features, int[] labels, int classes, IReadOnlyList<double> rates, LinearOptions options,
        Action<int>? epochDone, CancellationToken cancellation)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var first = new LinearClassifier((int)features.shape[1], classes, options, CPU);
        var (weight, bias) = (first.Weight.repeat(rates.Count, 1), first.Bias.repeat(rates.Count)); // [R K, D], [R K]
        var (weightVelocity, biasVelocity) = (zeros_like(weight), zeros_like(bias));
        var rate = tensor(rates.ToArray(), dtype: float32).repeat_interleave(classes); // [R K]
        var truth = tensor(labels, dtype: int64);
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            using var epochScope = NewDisposeScope();
            var order = tensor(EpochOrder.Shuffled(labels.Length, options.Seed, epoch), dtype: int64);
            var negativeRates = rate.mul(Held(-(options with { LearningRate = 1 }).LearningRateAt(epoch)));
            foreach (var rows in order.split(options.BatchSize))
            {
                cancellation.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                var batch = features.index_select(0, rows); // [N, D]
                var scores = batch.mm(weight.t()).add_(bias, One).view(-1, rates.Count, classes); // [N, R, K]
                var right = functional.one_hot(truth.index_select(0, rows), classes).unsqueeze(1); // [N, 1, K]
                // The gradient of the mean cross entropy: (softmax - right) / N. Shape [N, R K].
                var error = scores.softmax(2).sub_(right).div_(Held(rows.shape[0])).flatten(1);
                Descend(weight, weightVelocity, error.t().mm(batch), negativeRates.unsqueeze(1), options);
                Descend(bias, biasVelocity, error.sum([0]), negativeRates, options);
            }

            epochDone?.Invoke(epoch + 1);
        }

        return
        [
            .. Enumerable.Range(0, rates.Count).Select(i => (
                weight.narrow(0, i * classes, classes).clone().MoveToOuterDisposeScope(),
                bias.narrow(0, i * classes, classes).clone().MoveToOuterDisposeScope())),
        ];
    }

    // v = momentum v + gradient + decay w; w = w - rate v, as PyTorch's SGD.
    private static void Descend(
        Tensor parameter, Tensor velocity, Tensor gradient, Tensor negativeRate, LinearOptions options)
    {
        velocity.mul_(Held(options.Momentum)).add_(gradient, One).add_(parameter, alpha: Held(options.WeightDecay));
        parameter.addcmul_(velocity, negativeRate, One);
    }
}
