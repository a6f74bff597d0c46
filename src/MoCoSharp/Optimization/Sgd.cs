using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Optimization;

/// <summary>
/// Stochastic gradient descent with momentum, as in PyTorch. Weight decay is added to the gradient of every parameter,
/// including BatchNorm and biases. Then v = momentum v + g, and parameter -= learning rate x v. A parameter without a
/// gradient does not change.
/// </summary>
internal sealed class Sgd : MomentumOptimizer
{
    private readonly double _momentum;
    private readonly double _weightDecay;

    /// <summary>An optimizer whose velocities are 0.</summary>
    /// <param name="parameters">The parameters to update.</param>
    /// <param name="momentum">0 to 1.</param>
    /// <param name="weightDecay">0 or more.</param>
    public Sgd(IEnumerable<(string Name, Parameter Parameter)> parameters, double momentum, double weightDecay)
        : base(parameters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        _momentum = momentum;
        _weightDecay = weightDecay;
    }

    /// <inheritdoc/>
    public override double UpdateOf(double velocity, double learningRate) => learningRate * velocity;

    /// <inheritdoc/>
    public override void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var moving = State.Where(item => item.Parameter.grad is not null).ToList();
        if (!KernelTable.Sgd.IsOn)
        {
            foreach (var (_, parameter, velocity) in moving)
            {
                StepOne(parameter, InLayoutOf(parameter, parameter.grad!), velocity, learningRate);
            }
        }
        else if (moving.Count > 0)
        {
            Aten.FusedSgd(
                [.. moving.Select(item => item.Parameter)],
                [.. moving.Select(item => InLayoutOf(item.Parameter, item.Parameter.grad!))],
                [.. moving.Select(item => item.Velocity)], learningRate, _momentum, _weightDecay);
        }
    }

    // The same update by libtorch operations, for when the kernel is switched off.
    private void StepOne(Parameter parameter, Tensor gradient, Tensor velocity, double learningRate)
    {
        using var scope = NewDisposeScope();
        velocity.mul_(Held(_momentum)).add_(gradient.add(parameter, Held(_weightDecay)), One);
        parameter.add_(velocity, Held(-learningRate));
    }
}
