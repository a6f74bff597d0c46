namespace MoCoSharp.Data.Views;

/// <summary>
/// The random stream of one view of one image in one epoch. It does not depend on the machine or the thread.
/// </summary>
/// <remarks>
/// xoshiro256** (Blackman and Vigna), seeded through SplitMix64, so that adjacent indices give unrelated streams. A
/// stream is a value on the stack, so workers share no state.
/// </remarks>
public struct SampleRandom
{
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>The stream of (seed, epoch, image, view).</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="image">Index in the data set.</param>
    /// <param name="view">0 for the query's view, 1 for the key's; 2 or more for the views of a replacement.</param>
    public SampleRandom(long seed, long epoch, long image, long view)
    {
        var state = Mix((ulong)seed);
        state = Mix(state ^ (ulong)epoch);
        state = Mix(state ^ (ulong)image);
        state = Mix(state ^ (ulong)view);
        _s0 = Next(ref state);
        _s1 = Next(ref state);
        _s2 = Next(ref state);
        _s3 = Next(ref state);
    }

    /// <summary>Uniform over all 64 bits.</summary>
    public ulong NextUInt64()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform in 0 to below - 1, without bias.</summary>
    public int NextInt(int below)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(below);

        // Lemire's multiplication: the high half is the result, the low half identifies biased draws.
        var threshold = (0UL - (ulong)below) % (ulong)below;
        while (true)
        {
            var high = Math.BigMul(NextUInt64(), (ulong)below, out var low);
            if (low >= threshold)
            {
                return (int)high;
            }
        }
    }

    /// <summary>Standard normal, by Box and Muller.</summary>
    public double NextGaussian() =>
        Math.Sqrt(-2 * Math.Log(1 - NextDouble())) * Math.Cos(2 * Math.PI * NextDouble());

    /// <summary>Puts the items in random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong Next(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        return Finish(state);
    }

    private static ulong Mix(ulong value) => Finish(value + 0x9E3779B97F4A7C15);

    private static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
