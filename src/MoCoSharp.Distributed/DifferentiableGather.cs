using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>
/// <see cref="BatchOrder.Gather"/> with a gradient: every rank's gradients are summed, and each rank gets those of its
/// own samples. For losses whose negatives are the batch (NT-Xent, end-to-end).
/// </summary>
internal sealed class DifferentiableGather : autograd.SingleTensorFunction<DifferentiableGather>
{
    private const string GroupKey = "group";

    /// <inheritdoc/>
    public override string Name => nameof(DifferentiableGather);

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

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        var (share, group) = ((Tensor)vars[0], (IProcessGroup)vars[1]);
        ctx.save_data(GroupKey, group);
        return BatchOrder.Gather(group, share.contiguous());
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ArgumentNullException.ThrowIfNull(grad_output);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var group = (IProcessGroup)ctx.get_data(GroupKey);
        var sum = grad_output.contiguous().clone();
        group.AllReduceSum(sum);
        return [BatchOrder.LocalShard(group, sum).contiguous().MoveToOuterDisposeScope(), null!];
    }
}
