using MoCoSharp.Data.Views;

namespace MoCoSharp.Methods;

/// <summary>
/// The order in which a step's keys pass through the key encoder. It puts a key and its query into different BN groups.
/// </summary>
/// <remarks>
/// He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 3.3. The order is a pure function of seed,
/// step and half, so all ranks compute the same one without communication.
/// </remarks>
public static class KeyShuffle
{
    /// <summary>A permutation of a global batch.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="half">0, or 1 for the second half of a symmetric step.</param>
    /// <param name="count">N.</param>
    /// <returns>Row i of the shuffled batch is row [i] of the batch.</returns>
    public static long[] Order(long seed, long step, int half, long count)
    {
        var order = new long[count];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        RandomStreams.KeyShuffle(seed, step, half).Shuffle(order.AsSpan());
        return order;
    }
}
