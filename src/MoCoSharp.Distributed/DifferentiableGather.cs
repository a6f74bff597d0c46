using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>
/// <see cref="BatchOrder.Gather"/> that hands gradients back: what every rank's loss has to say about a rank's share is
/// summed, and comes home to it. For losses whose negatives are the batch (NT-Xent, end-to-end).
/// </summary>
internal sealed class DifferentiableGather : autograd.SingleTensorFunction<DifferentiableGather>
{
    private const string GroupKey = "group";

    /// <inheritdoc/>
    public override string Name => nameof(DifferentiableGather);

    /// <summary>
    /// The global batch, from every rank's share. Every rank calls this, and every rank's backward pass comes through
    /// here.
    /// </summary>
    /// <param name="group">The ranks.</param>
    /// <param name="share">This rank's samples; carries the gradient. Shape [N / Size, ...].</param>
    /// <returns>Shape [N, ...], sample i of the batch in row i.</returns>
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
        return [BatchOrder.Share(group, sum).contiguous().MoveToOuterDisposeScope(), null!];
    }
}
