using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Methods;

/// <summary>The dictionary of MoCo: a ring buffer of the most recent keys, which serve as negatives.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 3.2.</remarks>
public sealed class KeyQueue : nn.Module
{
    private readonly Tensor keys; // [K, C]: an enqueue is one contiguous copy, or two at the end of the ring

    /// <summary>A queue of random unit vectors.</summary>
    /// <param name="dimension">C, above 0.</param>
    /// <param name="size">K, above 0.</param>
    /// <param name="random">Draws the vectors.</param>
    /// <param name="precision">
    /// The type of the keys. bf16 halves the size of the queue and the time of the loss.
    /// </param>
    public KeyQueue(int dimension, int size, Generator random, Precision precision = Precision.Fp32)
        : base(nameof(KeyQueue))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);

        using var scope = NewDisposeScope();
        keys = nn
            .functional.normalize(randn([size, dimension], generator: random), dim: 1)
            .to(precision.Type(float32))
            .DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>The keys, L2-normalized. Shape [K, C].</summary>
    public Tensor Keys => keys;

    /// <summary>K.</summary>
    public long Size => keys.shape[0];

    /// <summary>The row for the next key. Stored on the host, so that a step never waits for the device.</summary>
    public long Position { get; private set; }

    /// <summary>Restores the position of a saved queue.</summary>
    /// <param name="position">0 to K - 1.</param>
    public void Resume(long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Size);
        Position = position;
    }

    /// <summary>Overwrites the oldest keys with a batch, and wraps around at the end of the ring.</summary>
    /// <param name="newest">
    /// L2-normalized keys of all processes, in batch order. Shape [N, C]. If N exceeds K, the last K are kept.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="newest"/> is not [N, C].</exception>
    public void Enqueue(Tensor newest)
    {
        ArgumentNullException.ThrowIfNull(newest);
        if (newest.shape is not [var count, var width] || width != keys.shape[1])
        {
            throw new ArgumentException(
                $"Keys of shape [{string.Join(", ", newest.shape)}] do not fit a queue of {Size} keys of size " +
                $"{keys.shape[1]}: "
                    + $"expected [N, {keys.shape[1]}]. Is moco.dimension the same for both encoders?",
                nameof(newest));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var kept = Math.Min(count, Size);
        var first = (Position + count - kept) % Size;
        var beforeTheEnd = Math.Min(kept, Size - first);
        keys.narrow(0, first, beforeTheEnd).copy_(newest.narrow(0, count - kept, beforeTheEnd));
        if (beforeTheEnd < kept)
        {
            keys.narrow(0, 0, kept - beforeTheEnd)
                .copy_(newest.narrow(0, count - kept + beforeTheEnd, kept - beforeTheEnd));
        }

        Position = (Position + count) % Size;
    }
}
