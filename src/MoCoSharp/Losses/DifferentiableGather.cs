using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Losses;

/// <summary>
/// <see cref="BatchOrder.Gather"/> with a gradient: every rank's gradients are summed, and each rank gets those of its
/// own samples. For losses whose negatives are the batch (NT-Xent, end-to-end).
/// </summary>
internal sealed class DifferentiableGather : CustomFunction<DifferentiableGather>
{
    private const string GroupKey = "group";

    /// <summary>
    /// Gathers the global batch from the samples of all ranks. Every rank must call this, and run its backward pass.
    /// </summary>
    /// <param name="group">The ranks.</param>
    /// <param name="share">This rank's samples, with a gradient. Shape [N / Size, ...].</param>
    /// <returns>Sample i of the batch is in row i. Shape [N, ...].</returns>
    public static Tensor Of(IProcessGroup group, Tensor share)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(share);
        return group.Size == 1 ? share.alias() : apply(share, group);
    }

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (share, group) = ((Tensor)inputs[0], (IProcessGroup)inputs[1]);
        ctx.save_data(GroupKey, group);
        return BatchOrder.Gather(group, share.contiguous());
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var group = (IProcessGroup)ctx.get_data(GroupKey);
        var sum = gradient.contiguous().clone();
        group.AllReduceSum(sum);
        return [BatchOrder.LocalShard(group, sum).contiguous()];
    }
}
