using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Methods;

/// <summary>
/// Embeds a batch BN group by BN group without keeping activations, and passes each group through the encoder once more
/// when the gradient of its embeddings is known. A batch of any size needs the activations of one group.
/// </summary>
/// <remarks>
/// Gao et al. 2021, <see href="https://arxiv.org/abs/2101.06983"/>. BatchNorm's statistics are a group's own in both
/// passes, so that loss and gradient are those of the whole batch with as many groups; running statistics move once, in
/// the first pass, each group from the same old value, and their mean is kept.
/// </remarks>
/// <param name="encoder">Built with as many BN groups.</param>
/// <param name="groups">S, groups of this process's batch.</param>
internal sealed class GradientCache(Encoder encoder, int groups) : IDisposable
{
    private static readonly BatchNormMode FirstPass = new() { SingleGroup = true };
    private static readonly BatchNormMode GradientPass = new() { SingleGroup = true, UpdatesRunningStatistics = false };

    private Tensor? _views;
    private Tensor? _embeddings;

    /// <summary>Embeddings that end a graph: their gradient is waited for.</summary>
    /// <param name="views">Channels last. Shape [N, 3, H, W], N a multiple of S.</param>
    /// <returns>Shape [N, C], in the order of the batch.</returns>
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

    /// <summary>The parameters' gradients, once the embeddings have theirs.</summary>
    public void Backward()
    {
        if (_views is null || _embeddings?.grad is not { } gradient)
        {
            throw new InvalidOperationException(
                "There are no embeddings whose gradient is known: embed a batch and take its loss backward first.");
        }

        for (var group = 0; group < groups; group++)
        {
            using var scope = NewDisposeScope();
            encoder.forward(Rows(_views, group), GradientPass).backward([Rows(gradient, group)]);
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

    // The running statistics of a pass group by group, as SplitBatchNorm keeps them of a pass in one.
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
