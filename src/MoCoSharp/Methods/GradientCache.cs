using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Methods;

/// <summary>
/// Embeds a batch one BN group at a time without keeping activations. Once the gradient of the embeddings is known,
/// each group passes through the encoder again. A batch of any size needs only the activations of one group.
/// </summary>
/// <remarks>
/// Gao et al. 2021, <see href="https://arxiv.org/abs/2101.06983"/>. BatchNorm uses the statistics of the group in both
/// passes. Loss and gradient therefore equal those of the whole batch with as many groups. Running statistics are
/// updated only in the first pass: each group starts from the same old value, and the mean is kept.
/// </remarks>
/// <param name="encoder">Has as many BN groups.</param>
/// <param name="groups">S, groups of this process's batch.</param>
internal sealed class GradientCache(Encoder encoder, int groups) : IDisposable
{
    private static readonly BatchNormMode FirstPass = new() { SingleGroup = true };
    private static readonly BatchNormMode GradientPass = new() { SingleGroup = true, UpdatesRunningStatistics = false };

    private Tensor? _views;
    private Tensor? _embeddings;

    /// <summary>Embeds a batch. The embeddings are leaves of the autograd graph and collect their gradient.</summary>
    /// <param name="views">Channels last. Shape [N, 3, H, W], N a multiple of S.</param>
    /// <returns>Shape [N, C], in batch order.</returns>
    public Tensor Embed(Tensor views)
    {
        BatchGroups.Check(views, groups);
        Dispose();
        using var scope = NewDisposeScope();
        using (no_grad())
        {
            var parts = new List<Tensor>();
            using var statistics = new StatisticsMean(encoder);
            for (var group = 0; group < groups; group++)
            {
                statistics.BeginGroup();
                parts.Add(encoder.forward(Rows(views, group), FirstPass));
            }

            statistics.Keep();
            // [N / S, S, C] -> [N, C]: sample i is of group i mod S
            _embeddings = stack(parts, 1).flatten(0, 1).DetachFromDisposeScope();
        }

        _embeddings.requires_grad = true;
        _views = views.alias().DetachFromDisposeScope();
        return _embeddings.alias().MoveToOuterDisposeScope();
    }

    /// <summary>Computes the parameters' gradients from the embeddings' gradients.</summary>
    public void Backward()
    {
        if (_views is null || _embeddings?.grad is not { } gradient)
        {
            throw new InvalidOperationException(
                "No embeddings have a gradient. Call Embed on a batch and backward() on its loss first.");
        }

        for (var group = 0; group < groups; group++)
        {
            using var scope = NewDisposeScope();
            BackwardPass.Run(encoder.forward(Rows(_views, group), GradientPass), Rows(gradient, group));
        }

        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _views?.Dispose();
        _embeddings?.Dispose();
        (_views, _embeddings) = (null, null);
    }

    private Tensor Rows(Tensor batch, int group) => batch.slice(0, group, batch.shape[0], groups);

    // Averages running statistics over the groups, as SplitBatchNorm does in a single pass.
    private sealed class StatisticsMean : IDisposable
    {
        private readonly List<(Tensor Buffer, Tensor Old, Tensor Sum)> _buffers;
        private int _groups;

        public StatisticsMean(Encoder encoder) => _buffers = [.. encoder.named_buffers()
            .Where(item =>
                item.name.EndsWith("running_mean", StringComparison.Ordinal)
                || item.name.EndsWith("running_var", StringComparison.Ordinal)
                || item.name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Select(item =>
                (
                    item.buffer,
                    item.buffer.clone().DetachFromDisposeScope(),
                    zeros_like(item.buffer).DetachFromDisposeScope())),
    ];

        public void BeginGroup()
        {
            Collect();
            _groups++;
            foreach (var (buffer, old, _) in _buffers)
            {
                buffer.copy_(old);
            }
        }

        public void Keep()
        {
            Collect();
            foreach (var (buffer, _, sum) in _buffers)
            {
                buffer.copy_(sum.div(Scalars.Held((double)_groups)));
            }
        }

        public void Dispose() => _buffers.ForEach(item =>
        {
            item.Old.Dispose();
            item.Sum.Dispose();
        });

        private void Collect()
        {
            foreach (var (buffer, _, sum) in _groups == 0 ? [] : _buffers)
            {
                sum.add_(buffer, Scalars.One);
            }
        }
    }
}
