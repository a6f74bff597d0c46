using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>The result of a method's forward pass.</summary>
/// <param name="Loss">Mean loss of this rank's share of the batch, a scalar that carries the gradient.</param>
/// <param name="Keys">
/// Keys of the global batch to store, in batch order. Shape [N, C], or [2N, C] when symmetric. A method that stores no
/// keys returns its other output, without gradient.
/// </param>
/// <param name="ContrastAccuracy">
/// Shares of queries whose positive key is the nearest, and among the nearest five. In supervised training, top-1 and
/// top-5 accuracy of the labels. Shape [2]; null unless requested.
/// </param>
/// <param name="Query">
/// L2-normalized queries of this rank, without gradient; of the first half when symmetric. Shape [N / ranks, C]; null
/// unless requested.
/// </param>
public readonly record struct StepOutput(Tensor Loss, Tensor Keys, Tensor? ContrastAccuracy, Tensor? Query = null);

/// <summary>The base of all pre-training methods: the parts of a step that differ between methods.</summary>
/// <remarks>
/// One step: <see cref="Prepare"/>, <see cref="BeforeStep"/>, forward, <see cref="Backward"/>,
/// <see cref="AfterBackward"/>, optimizer. A save may follow. The saved key encoder does not yet include the newest
/// query encoder, as in official checkpoints.
/// </remarks>
public abstract class PretrainMethod(string name) : Module<Tensor, Tensor, StepOutput>(name)
{
    /// <summary>The encoder that evaluation and export use.</summary>
    public abstract Encoder Encoder { get; }

    /// <summary>The separate encoder of keys; null if there is none.</summary>
    public virtual Encoder? KeyEncoder => null;

    /// <summary>The type in which convolutions and linear layers of all encoders compute.</summary>
    public abstract Precision Precision { get; set; }

    /// <summary>
    /// The parameters that the optimizer updates, with checkpoint names, in checkpoint order. Never includes a momentum
    /// encoder.
    /// </summary>
    public abstract IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters { get; }

    /// <summary>Whether forward passes also return the contrast accuracy and the queries.</summary>
    public bool MeasuresContrast { get; set; }

    /// <summary>
    /// Called first in a step, with the images of the step. A method with a memory bank or labels stores them for the
    /// step.
    /// </summary>
    internal virtual void Prepare(StepSamples samples)
    {
    }

    /// <summary>Called after <see cref="Prepare"/>, before the forward pass.</summary>
    /// <param name="step">Steps done before this one, since the beginning of the run.</param>
    public virtual void BeforeStep(long step)
    {
    }

    /// <summary>Computes the gradient of every learned parameter.</summary>
    public virtual void Backward(StepOutput output) => BackwardPass.Run(output.Loss);

    /// <summary>Called after the backward pass, when the loss no longer needs the old keys.</summary>
    public virtual void AfterBackward(StepOutput output)
    {
    }

    /// <summary>The keys that serve as negatives, L2-normalized. Shape [K, C]; null if the method has none.</summary>
    public virtual Tensor? Negatives => null;

    /// <summary>
    /// Recomputes the keys of a batch with the opposite setting of the shuffle. The difference shows what BatchNorm
    /// leaks.
    /// </summary>
    /// <param name="keyViews">This rank's share of the current step's batch. Shape [N / ranks, 3, H, W].</param>
    /// <returns>
    /// Shape [N, C], of the global batch; null if the method has no shuffle. Changes BatchNorm's running statistics.
    /// </returns>
    public virtual Tensor? ProbeKeys(Tensor keyViews) => null;

    /// <summary>State on the host that a resume needs besides the tensors of state_dict().</summary>
    public virtual IReadOnlyDictionary<string, long> HostState => new Dictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Restores the state that <see cref="HostState"/> returned.</summary>
    public virtual void RestoreHostState(IReadOnlyDictionary<string, long> state)
    {
    }
}
