using MoCoSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>What one forward pass of a method gives the training step.</summary>
/// <param name="Loss">Mean loss of this rank's share of the batch, a scalar that carries the gradient.</param>
/// <param name="Keys">
/// Keys to remember, of the global batch, in batch order. Shape [N, C], or [2N, C] when symmetric. Where nothing is
/// remembered: the other output, without gradient.
/// </param>
/// <param name="ContrastAccuracy">
/// Shares of queries whose own key is the nearest, and among the nearest five; of supervised training, whose label is.
/// Shape [2]; null unless it was asked for.
/// </param>
/// <param name="Query">
/// L2-normalised queries of this rank, without gradient; of the first half when symmetric. Shape [N / ranks, C]; null
/// unless measuring.
/// </param>
public readonly record struct StepOutput(Tensor Loss, Tensor Keys, Tensor? ContrastAccuracy, Tensor? Query = null);

/// <summary>A way of learning: what differs between the methods, and nothing else.</summary>
/// <remarks>
/// One step: <see cref="Take"/>, <see cref="BeforeStep"/>, forward, <see cref="Backward"/>,
/// <see cref="AfterBackward"/>, optimizer. Then a save is allowed; the key encoder on disk is therefore not yet mixed
/// with the newest query encoder, as in official checkpoints.
/// </remarks>
public abstract class PretrainMethod(string name) : Module<Tensor, Tensor, StepOutput>(name)
{
    /// <summary>The encoder that evaluation and export keep.</summary>
    public abstract Encoder Encoder { get; }

    /// <summary>The encoder that makes keys; null where there is none of its own.</summary>
    public virtual Encoder? KeyEncoder => null;

    /// <summary>What the convolutions and linear layers of every encoder compute in.</summary>
    public abstract Precision Precision { get; set; }

    /// <summary>What the optimizer steps, with checkpoint names, in checkpoint order; never the key encoder.</summary>
    public abstract IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters { get; }

    /// <summary>Whether forward passes also measure the contrast accuracy, and keep their queries.</summary>
    public bool MeasuresContrast { get; set; }

    /// <summary>
    /// Called before all else in a step: which images these are. Who remembers images, or learns labels, keeps them for
    /// the step.
    /// </summary>
    public virtual void Take(StepSamples samples)
    {
    }

    /// <summary>Called when the images are known.</summary>
    /// <param name="step">Steps done before this one, since the beginning of the run.</param>
    public virtual void BeforeStep(long step)
    {
    }

    /// <summary>Gives every learned parameter its gradient.</summary>
    public virtual void Backward(StepOutput output) => output.Loss.backward();

    /// <summary>Called when the gradients are there and the loss no longer needs the old keys.</summary>
    public virtual void AfterBackward(StepOutput output)
    {
    }

    /// <summary>The keys that serve as negatives, L2-normalised. Shape [K, C]; null where a method has none.</summary>
    public virtual Tensor? Negatives => null;

    /// <summary>
    /// The keys of a batch once more, shuffled if the method does not shuffle, unshuffled if it does: what BatchNorm
    /// gives away.
    /// </summary>
    /// <param name="keyViews">This rank's share of the batch of the step under way. Shape [N / ranks, 3, H, W].</param>
    /// <returns>
    /// Shape [N, C], of the global batch; null where a method has no such choice. BatchNorm's statistics change.
    /// </returns>
    public virtual Tensor? ProbeKeys(Tensor keyViews) => null;

    /// <summary>State on the host that a resume needs besides the tensors of state_dict().</summary>
    public virtual IReadOnlyDictionary<string, long> HostState => new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Takes back what <see cref="HostState"/> gave.</summary>
    public virtual void RestoreHostState(IReadOnlyDictionary<string, long> state)
    {
    }
}
