using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MoCoSharp.Optimization;

/// <summary>
/// Updates parameters by their gradients, with a velocity for each parameter. Checkpoints store the velocities.
/// </summary>
public abstract class MomentumOptimizer : IDisposable
{
    /// <summary>An optimizer whose velocities are 0.</summary>
    /// <param name="parameters">The parameters to update.</param>
    protected MomentumOptimizer(IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        State =
        [
            .. parameters.Select(item =>
                (item.Name, item.Parameter, zeros_like(item.Parameter, requires_grad: false).DetachFromDisposeScope())),
        ];
    }

    /// <summary>The velocities, under the names of their parameters.</summary>
    public IEnumerable<(string Name, Tensor Velocity)> Velocities => State.Select(item => (item.Name, item.Velocity));

    /// <summary>The gradients that the next step will use.</summary>
    public IEnumerable<Tensor> Gradients => State.Select(item => item.Parameter.grad).OfType<Tensor>();

    /// <summary>Parameters and velocities, in checkpoint order.</summary>
    protected IReadOnlyList<(string Name, Parameter Parameter, Tensor Velocity)> State { get; }

    /// <summary>Creates the configured optimizer, with velocities of 0.</summary>
    /// <param name="parameters">The parameters to update.</param>
    /// <param name="options">Valid options.</param>
    public static MomentumOptimizer Create(
        IEnumerable<(string Name, Parameter Parameter)> parameters,
        OptimizerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Kind == OptimizerKind.Lars
            ? new Lars(parameters, options.Momentum, options.WeightDecay, options.TrustCoefficient, options.TrustRatio)
            : new Sgd(parameters, options.Momentum, options.WeightDecay);
    }

    /// <summary>One update.</summary>
    /// <param name="learningRate">0 or more.</param>
    public abstract void Step(double learningRate);

    /// <summary>The norm of the update for a velocity of a given norm.</summary>
    public abstract double UpdateOf(double velocity, double learningRate);

    /// <summary>Removes all gradients and frees their memory.</summary>
    public void ClearGradients()
    {
        foreach (var (_, parameter, _) in State)
        {
            parameter.grad = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, velocity) in State)
        {
            velocity.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// A gradient in the memory layout of its parameter, which in-place kernels require. Gradients of autograd have it;
    /// gradients set by the user may not.
    /// </summary>
    protected static Tensor InLayoutOf(Tensor parameter, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentNullException.ThrowIfNull(gradient);
        var (shape, strides, others) = (parameter.shape, parameter.stride(), gradient.stride());
        var alike = Enumerable.Range(0, shape.Length).All(i => shape[i] == 1 || strides[i] == others[i]);
        return alike ? gradient : empty_like(parameter).copy_(gradient);
    }
}
