using MoCoSharp.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Tensors.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>
/// Stochastic gradient descent with momentum, as PyTorch's: weight decay is added to the gradient (of every parameter, normalisation and
/// bias too), v = momentum v + g, parameter -= learning rate x v. A parameter without a gradient stays as it is.
/// </summary>
public sealed class Sgd : IDisposable
{
    private readonly (string Name, Parameter Parameter, Tensor Velocity)[] _state;
    private readonly double _momentum;
    private readonly double _weightDecay;

    /// <summary>An optimizer at rest.</summary>
    /// <param name="parameters">What it steps.</param>
    /// <param name="momentum">0 to 1.</param>
    /// <param name="weightDecay">0 or more.</param>
    public Sgd(IEnumerable<(string Name, Parameter Parameter)> parameters, double momentum, double weightDecay)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegative(momentum);
        ArgumentOutOfRangeException.ThrowIfNegative(weightDecay);
        _momentum = momentum;
        _weightDecay = weightDecay;
        _state = [.. parameters.Select(item => (item.Name, item.Parameter, zeros_like(item.Parameter, requires_grad: false).DetachFromDisposeScope()))];
    }

    /// <summary>The velocities, under the names of their parameters.</summary>
    public IEnumerable<(string Name, Tensor Velocity)> Velocities => _state.Select(item => (item.Name, item.Velocity));

    /// <summary>The gradients that the next step will use.</summary>
    public IEnumerable<Tensor> Gradients => _state.Select(item => item.Parameter.grad).OfType<Tensor>();

    /// <summary>One update.</summary>
    /// <param name="learningRate">0 or more.</param>
    public void Step(double learningRate)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var moving = _state.Where(item => item.Parameter.grad is not null).ToList();
        if (moving.Count > 0)
        {
            Aten.FusedSgd(
                [.. moving.Select(item => item.Parameter)], [.. moving.Select(item => InLayoutOf(item.Parameter, item.Parameter.grad!))],
                [.. moving.Select(item => item.Velocity)], learningRate, _momentum, _weightDecay);
        }
    }

    // The fused update walks through memory. Autograd gives a gradient its parameter's layout; one that a person has put there may have another.
    private static Tensor InLayoutOf(Tensor parameter, Tensor gradient)
    {
        var (shape, strides, others) = (parameter.shape, parameter.stride(), gradient.stride());
        var alike = Enumerable.Range(0, shape.Length).All(i => shape[i] == 1 || strides[i] == others[i]);
        return alike ? gradient : empty_like(parameter).copy_(gradient);
    }

    /// <summary>Forgets the gradients, and their memory with them.</summary>
    public void ClearGradients()
    {
        foreach (var (_, parameter, _) in _state)
        {
            parameter.grad = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, velocity) in _state)
        {
            velocity.Dispose();
        }
    }
}
