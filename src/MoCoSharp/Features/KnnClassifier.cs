using TorchSharp;
using static MoCoSharp.Tensors.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>Labels by the nearest neighbours in a labelled bank, each weighted by exp(similarity / temperature).</summary>
/// <remarks>Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, section 3.4: weights are summed by class.</remarks>
public static class KnnClassifier
{
    private const int QueriesAtOnce = 256; // 256 x 50,000 similarities are 51 MB

    /// <summary>Predicted classes.</summary>
    /// <param name="bank">L2-normalised. Shape [M, D].</param>
    /// <param name="bankLabels">Length M, 0 to classes - 1.</param>
    /// <param name="queries">L2-normalised. Shape [Q, D].</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="neighbours">k, 1 to M.</param>
    /// <param name="temperature">Of the weights, above 0; 0.1 in the demo, 0.07 in the paper.</param>
    /// <returns>Length Q.</returns>
    /// <exception cref="ArgumentException">k is larger than the bank, or shapes do not fit.</exception>
    public static int[] Predict(Tensor bank, ReadOnlySpan<int> bankLabels, Tensor queries, int classes, int neighbours, double temperature)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbours);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (bank.shape is not [var size, var width] || queries.shape is not [var count, var queryWidth] || width != queryWidth || size != bankLabels.Length)
        {
            throw new ArgumentException(
                $"Bank [{string.Join(", ", bank.shape)}] with {bankLabels.Length} labels and queries [{string.Join(", ", queries.shape)}] do not fit: " +
                "expected [M, D] with M labels and [Q, D].");
        }

        if (neighbours > size)
        {
            throw new ArgumentException($"{neighbours} neighbours in a bank of {size}: expected at most {size}. Lower k.", nameof(neighbours));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var labels = tensor(bankLabels.ToArray(), dtype: int64);
        var transposed = bank.t();
        var predicted = new List<int>((int)count);
        for (long first = 0; first < count; first += QueriesAtOnce)
        {
            using var block = NewDisposeScope();
            var some = queries.narrow(0, first, Math.Min(QueriesAtOnce, count - first));
            var (similarity, index) = some.mm(transposed).topk(neighbours, dim: 1); // [q, k]
            var votes = zeros([some.shape[0], classes], dtype: bank.dtype)
                .scatter_add_(1, labels.index_select(0, index.flatten()).view(index.shape), similarity.div(Held(temperature)).exp_());
            predicted.AddRange(votes.argmax(1).to(int32).data<int>().ToArray());
        }

        return [.. predicted];
    }

    /// <summary>Share of labelled queries whose class is predicted, 0 to 1.</summary>
    public static double Accuracy(FeatureSet bank, FeatureSet queries, int classes, int neighbours, double temperature)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        var predicted = Predict(bank.Values, bank.Labels, queries.Values, classes, neighbours, temperature);
        return predicted.Zip(queries.Labels).Count(pair => pair.First == pair.Second) / (double)queries.Labels.Length;
    }
}
