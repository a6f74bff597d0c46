using MoCoSharp.Data.Views;
using MoCoSharp.Kernels;
using MoCoSharp.Optimization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Evaluation;

/// <summary>
/// One linear layer on frozen features, with its optimizer. As in the official code, the initial weights are normal
/// with standard deviation 0.01, and the bias is 0.
/// </summary>
internal sealed class LinearClassifier : IDisposable
{
    private readonly Linear _layer;
    private readonly Sgd _optimizer;

    /// <summary>Creates an untrained classifier.</summary>
    /// <param name="featureSize">D, above 0.</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="options">Only momentum and weight decay are used.</param>
    /// <param name="device">The device of the features.</param>
    public LinearClassifier(int featureSize, int classes, LinearOptions options, Device device)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(featureSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentNullException.ThrowIfNull(options);
        _layer = Linear(featureSize, classes);
        using (no_grad())
        using (NewDisposeScope())
        using (var random = new Generator(RandomStreams.Weights(options.Seed)))
        {
            _layer.weight!.normal_(0, 0.01, random);
            _layer.bias!.zero_();
        }

        _layer.to(device);
        _optimizer = new Sgd(
            [.. _layer.named_parameters().Select(item => (item.name, item.parameter))],
            options.Momentum,
            options.WeightDecay);
    }

    /// <summary>The state that a resume needs: parameters and velocities.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> State =>
        _layer
            .state_dict()
            .Select(item => ($"classifier.{item.Key}", item.Value))
            .Concat(_optimizer.Velocities.Select(item => ($"velocity.{item.Name}", item.Velocity)));

    /// <summary>Shape [classes, D].</summary>
    public Tensor Weight => _layer.weight!;

    /// <summary>Shape [classes].</summary>
    public Tensor Bias => _layer.bias!;

    /// <summary>Computes the score of each class.</summary>
    /// <param name="features">Shape [N, D].</param>
    /// <returns>Shape [N, classes].</returns>
    public Tensor Scores(Tensor features)
    {
        using var noGrad = no_grad();
        return _layer.call(features);
    }

    /// <summary>One step of gradient descent on the mean cross entropy of a batch.</summary>
    /// <param name="features">Without gradient. Shape [N, D].</param>
    /// <param name="labels">0 to classes - 1, int64. Shape [N].</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <returns>The loss before the step, a scalar on the device.</returns>
    public Tensor Step(Tensor features, Tensor labels, double learningRate)
    {
        using var scope = NewDisposeScope();
        var loss = functional.cross_entropy(_layer.call(features), labels);
        BackwardPass.Run(loss);
        _optimizer.Step(learningRate);
        _optimizer.ClearGradients();
        return loss.detach().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        _layer.Dispose();
    }
}
