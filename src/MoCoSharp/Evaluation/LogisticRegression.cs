using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Multinomial logistic regression, optimized to convergence. It minimizes C x (sum of cross entropies) + |W|^2 / 2,
/// without a penalty on the biases. The result is a reference for linear classifiers trained with SGD.
/// </summary>
/// <remarks>
/// scikit-learn's objective. L-BFGS: Nocedal and Wright, Numerical Optimization, algorithm 7.4, with backtracking. It
/// starts each direction from the inverse of the curvature at zero weights, because features are correlated.
/// </remarks>
internal static class LogisticRegression
{
    private const int Memory = 10;      // pairs of steps and gradient changes that approximate the curvature
    private const int MostHalvings = 30;

    /// <summary>Finds the optimum.</summary>
    /// <param name="features">Shape [M, D].</param>
    /// <param name="labels">0 to classes - 1, int64. Shape [M].</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="c">Weight of the data against the penalty, above 0.</param>
    /// <param name="iterations">Maximum number of iterations.</param>
    /// <param name="tolerance">Converged if no partial derivative of objective / (C x M) exceeds this value.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Weight [classes, D] and bias [classes], float64, and whether the tolerance was reached.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static (Tensor Weight, Tensor Bias, bool Converged) Fit(
        Tensor features, Tensor labels, int classes, double c, int iterations = 1000,
        double tolerance = 1e-6,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(c);
        if (
            features.shape is not [var rows, var width]
            || labels.shape is not [var count]
            || rows != count
            || rows == 0)
        {
            throw new ArgumentException(
                $"Features [{string.Join(", ", features.shape)}] and labels [{string.Join(", ", labels.shape)}] do " +
                "not fit: expected [M, D] and [M].");
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var problem = new Problem(features, labels, classes, 1 / (c * rows));
        var at = zeros(classes * (width + 1), dtype: float64);
        var (value, slope) = problem.At(at);
        var history = new List<(Tensor Step, Tensor Change, double Curvature)>();
        var converged = Largest(slope) <= tolerance;
        for (var i = 0; i < iterations && !converged; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var iteration = NewDisposeScope();
            var direction = Direction(problem, slope, history);
            if (
                Search(problem, at, value, direction, Dot(direction, slope)) is not var (next, nextValue, nextSlope))
            {
                break; // no further progress within rounding
            }

            var (step, change) = (next - at, nextSlope - slope);
            var curvature = Dot(step, change);
            if (curvature > 1e-12 * Dot(change, change))
            {
                history.Add((step.MoveToOuterDisposeScope(), change.MoveToOuterDisposeScope(), curvature));
                if (history.Count > Memory)
                {
                    history[0].Step.Dispose();
                    history[0].Change.Dispose();
                    history.RemoveAt(0);
                }
            }

            at.Dispose();
            slope.Dispose();
            (at, value, slope) = (next.MoveToOuterDisposeScope(), nextValue, nextSlope.MoveToOuterDisposeScope());
            converged = Largest(slope) <= tolerance;
        }

        var weight = at.narrow(0, 0, classes * width).view(classes, width).clone().MoveToOuterDisposeScope();
        var bias = at.narrow(0, classes * width, classes).clone().MoveToOuterDisposeScope();
        return (weight, bias, converged);
    }

    // Two loops over the history turn a gradient into an approximate Newton step.
    private static Tensor Direction(
        Problem problem, Tensor slope, List<(Tensor Step, Tensor Change, double Curvature)> history)
    {
        var direction = slope.neg();
        var shares = new double[history.Count];
        for (var i = history.Count - 1; i >= 0; i--)
        {
            shares[i] = Dot(history[i].Step, direction) / history[i].Curvature;
            direction.add_(history[i].Change, alpha: Held(-shares[i]));
        }

        direction = problem.Scaled(direction);
        if (history.Count > 0)
        {
            direction.mul_(
                Held(history[^1].Curvature / Dot(history[^1].Change, problem.Scaled(history[^1].Change))));
        }

        for (var i = 0; i < history.Count; i++)
        {
            direction.add_(
                history[i].Step,
                alpha: Held(shares[i] - (Dot(history[i].Change, direction) / history[i].Curvature)));
        }

        return direction;
    }

    private static (Tensor At, double Value, Tensor Slope)? Search(
        Problem problem, Tensor at, double value, Tensor direction, double descent)
    {
        var length = 1.0;
        for (var i = 0; i < MostHalvings; i++, length /= 2)
        {
            var next = at.add(direction, alpha: Held(length));
            var (nextValue, slope) = problem.At(next);
            if (nextValue <= value + (1e-4 * length * descent))
            {
                return (next, nextValue, slope);
            }
        }

        return null;
    }

    private static double Dot(Tensor a, Tensor b) => a.dot(b).item<double>();

    private static double Largest(Tensor slope) => slope.abs().max().item<double>();

    /// <summary>Mean cross entropy + penalty x |W|^2 / 2, and gradient, at a flat [classes x D + classes].</summary>
    private sealed class Problem
    {
        private readonly int _classes;
        private readonly double _penalty;
        private readonly Tensor _features; // [M, D]
        private readonly Tensor _truth; // [M, classes]
        private readonly Tensor _inverse; // [D + 1, D + 1]

        public Problem(Tensor features, Tensor labels, int classes, double penalty)
        {
            (_classes, _penalty) = (classes, penalty);
            _features = features.to(float64);
            _truth = functional.one_hot(labels, classes).to(float64);
            _inverse = Inverse();
        }

        public (double Value, Tensor Slope) At(Tensor flat)
        {
            using var scope = NewDisposeScope();
            var width = _features.shape[1];
            var weight = flat.narrow(0, 0, _classes * width).view(_classes, width);
            var bias = flat.narrow(0, _classes * width, _classes);
            var logits = _features.mm(weight.t()).add_(bias, One); // [M, classes]
            var logProbability = functional.log_softmax(logits, dim: 1);
            var value = -(logProbability * _truth).sum().item<double>() / _features.shape[0];
            var error = logProbability.exp_().sub_(_truth).div_(Held(_features.shape[0])); // [M, classes]
            var slope = cat([error.t().mm(_features).add_(weight, alpha: Held(_penalty)).flatten(), error.sum([0])]);
            return (value + (_penalty / 2 * Dot(weight.flatten(), weight.flatten())), slope.MoveToOuterDisposeScope());
        }

        /// <summary>A gradient times the inverse of the curvature at zero weights. Shape as of a gradient.</summary>
        public Tensor Scaled(Tensor slope)
        {
            using var scope = NewDisposeScope();
            var width = _features.shape[1];
            var weight = slope.narrow(0, 0, _classes * width).view(_classes, width);
            var bias = slope.narrow(0, _classes * width, _classes);
            var scaled = cat([weight, bias.unsqueeze(1)], dim: 1).mm(_inverse); // [classes, D + 1]
            return cat([scaled.narrow(1, 0, width).flatten(), scaled.select(1, width)]).MoveToOuterDisposeScope();
        }

        // At zero weights, each class has the probability p = 1 / classes. The curvature is p (I - p) over the classes,
        // which is p for every step, as the gradients of all classes add up to 0; times the mean of the products of
        // features, of which the bias is one more, always 1; and the penalty.
        private Tensor Inverse()
        {
            using var scope = NewDisposeScope();
            var (count, width) = (_features.shape[0], _features.shape[1]);
            var sums = _features.sum([0]); // [D]
            var ofBias = cat([sums, tensor([(double)count])]).unsqueeze(1); // [D + 1, 1]
            var products = cat([cat([_features.t().mm(_features), sums.unsqueeze(0)]), ofBias], dim: 1)
                .mul_(Held(1.0 / _classes / count)); // [D + 1, D + 1]
            // Equal features have no curvature between them.
            var rounding = 1e-12 * products.diag().max().item<double>();
            var penalties = tensor([.. Enumerable.Repeat(_penalty + rounding, (int)width), rounding]); // [D + 1]
            return products
                .add_(penalties.diag(), One)
                .inverse()
                .MoveToOuterDisposeScope();
        }
    }
}
