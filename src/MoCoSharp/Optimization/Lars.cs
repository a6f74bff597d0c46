using MoCoSharp.Data;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Optimization;

/// <summary>
/// Layer-wise adaptive rate scaling: each weight's step is scaled to a share of the weight's norm, which allows large
/// learning rates for large batches. Parameters of one dimension (biases and BatchNorm) get neither weight decay nor
/// scaling.
/// </summary>
/// <remarks>
/// You et al. 2017, <see href="https://arxiv.org/abs/1708.03888"/>, algorithm 1, and SimCLR's TensorFlow code. Both
/// include the rate in the velocity: v = momentum v + rate x trust x (gradient + weightDecay p); p -= v. They differ in
/// the trust ratio; both use 1 if a norm is 0.
/// </remarks>
internal sealed class Lars : MomentumOptimizer
{
    private readonly double _momentum;
    private readonly double _weightDecay;
    private readonly double _coefficient;
    private readonly bool _addsNorms;

    /// <summary>An optimizer whose velocities are 0.</summary>
    /// <param name="parameters">The parameters to update.</param>
    /// <param name="momentum">0 to below 1.</param>
    /// <param name="weightDecay">0 or more.</param>
    /// <param name="coefficient">η, above 0; 0.001 in SimCLR.</param>
    /// <param name="trustRatio">The formula of the trust ratio.</param>
    /// <exception cref="ArgumentException">There is no such trust ratio.</exception>
    public Lars(
        IEnumerable<(string Name, Parameter Parameter)> parameters, double momentum, double weightDecay,
        double coefficient, TrustRatio trustRatio)
        : base(parameters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(coefficient);
        _momentum = momentum;
        _weightDecay = weightDecay;
        _coefficient = coefficient;
        _addsNorms = trustRatio switch
        {
            TrustRatio.NormOfSum => false,
            TrustRatio.SumOfNorms => true,
            _ => throw new ArgumentException(EnumNames.Fault("trust ratio", trustRatio), nameof(trustRatio)),
        };
    }

    /// <inheritdoc/>
    public override double UpdateOf(double velocity, double learningRate) => velocity;

    /// <inheritdoc/>
    public override void Step(double learningRate)
    {
        using var noGrad = no_grad();
        foreach (var (_, parameter, velocity) in State)
        {
            if (parameter.grad is not { } raw)
            {
                continue;
            }

            using var scope = NewDisposeScope();
            var gradient = InLayoutOf(parameter, raw);
            if (parameter.dim() > 1)
            {
                var decayed = gradient.add(parameter, Held(_weightDecay));
                // Stays on the device, so that no step waits for it.
                gradient = decayed.mul_(Trust(parameter, gradient, decayed));
            }

            velocity.mul_(Held(_momentum)).add_(gradient, Held(learningRate));
            parameter.sub_(velocity);
        }
    }

    private Tensor Trust(Tensor parameter, Tensor gradient, Tensor decayed)
    {
        var length = parameter.norm();
        var scale = _addsNorms ? gradient.norm().add(length, Held(_weightDecay)) : decayed.norm();
        var ratio = length.mul(Held(_coefficient)).div(scale);
        var defined = length.gt(Held(0.0)).logical_and((_addsNorms ? gradient.norm() : scale).gt(Held(0.0)));
        return where(defined, ratio, ones_like(ratio));
    }
}
