using MoCoSharp.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpPeer;

/// <summary>
/// The parts of MoCo as a careful PyTorch user writes them today. Every operation is libtorch's own; its fused SGD,
/// which TorchSharp lacks, is called through libtorch's C interface.
/// </summary>
public sealed class StrongMoCo(IEnumerable<Parameter> parameters)
{
    private readonly Parameter[] _parameters = [.. parameters];
    private readonly Tensor[] _velocities = [.. parameters.Select(parameter => zeros_like(parameter))];

    /// <summary>k += (1 - m) (q - k), in place.</summary>
    public static void MomentumUpdate(IEnumerable<Tensor> keys, IEnumerable<Tensor> queries, double momentum)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var share = tensor((float)(1 - momentum));
        foreach (var (key, query) in keys.Zip(queries))
        {
            key.lerp_(query, share);
        }
    }

    /// <summary>The mean of log(exp(positive) + sum of exp(negatives)) - positive; the queue is not copied.</summary>
    /// <param name="query">Shape [N, C].</param>
    /// <param name="key">Shape [N, C].</param>
    /// <param name="queue">Float32 or bfloat16. Shape [C, K].</param>
    /// <param name="temperature">Above 0.</param>
    public static Tensor Loss(Tensor query, Tensor key, Tensor queue, double temperature)
    {
        using var scope = NewDisposeScope();
        var scaled = query / temperature;
        var positive = (scaled * key).sum(1);
        var negative = scaled.to(queue.dtype).mm(queue).to(float32);
        return (positive.logaddexp(negative.logsumexp(1)) - positive).mean().MoveToOuterDisposeScope();
    }

    /// <summary>SGD in one pass over memory.</summary>
    public void Step(double learningRate, double momentum, double weightDecay)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Aten.FusedSgd(
            _parameters, [.. _parameters.Select(parameter => parameter.grad!)], _velocities, learningRate, momentum,
            weightDecay);
    }
}
