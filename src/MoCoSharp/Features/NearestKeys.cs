using System.Numerics;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Features;

/// <summary>Selects the k highest scores of a stream, exactly. Of equal scores, the earlier one wins.</summary>
/// <remarks>
/// Almost every score is below the k-th so far, and costs one lane of a vector comparison. A row of 50,000 scores is
/// read at the speed of memory. The kept scores are partitioned, and sorted only at the end.
/// </remarks>
/// <param name="k">Above 0.</param>
internal sealed class NearestKeys(int k)
{
    // The score is in the high half, the index in the low half: ascending is best first.
    private readonly ulong[] _kept = new ulong[2 * k];
    private int _count;
    private float _threshold = float.NegativeInfinity;

    /// <summary>Removes all scores.</summary>
    public void Clear()
    {
        _count = 0;
        _threshold = float.NegativeInfinity;
    }

    /// <summary>Adds the next scores.</summary>
    /// <param name="scores">Must not hold NaN.</param>
    /// <param name="first">Index of the first score; rises from call to call.</param>
    public void Add(ReadOnlySpan<float> scores, int first)
    {
        var i = 0;
        for (; i <= scores.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var above = Vector512
                .GreaterThan(Vector512.Create(scores.Slice(i, Vector512<float>.Count)), Vector512.Create(_threshold))
                .ExtractMostSignificantBits();
            for (; above != 0; above &= above - 1)
            {
                var lane = i + BitOperations.TrailingZeroCount(above);
                Keep(scores[lane], first + lane);
            }
        }

        for (; i < scores.Length; i++)
        {
            Keep(scores[i], first + i);
        }
    }

    /// <summary>Adds one score, in any order of the indices; for equal scores the lower index counts.</summary>
    public void Add(float score, int index) => Keep(score, index);

    /// <summary>The k best scores so far, best first.</summary>
    public IEnumerable<(float Score, int Index)> Best()
    {
        Array.Sort(_kept, 0, _count);
        return _kept.Take(Math.Min(k, _count)).Select(item => (Score(item), (int)(uint)item));
    }

    private void Keep(float score, int index)
    {
        if (score > _threshold)
        {
            _kept[_count++] = ((ulong)Order(score) << 32) | (uint)index;
            if (_count == _kept.Length)
            {
                PartBest();
                _count = k;
                _threshold = Score(_kept[k - 1]);
            }
        }
    }

    // Moves the k best to the front, with the k-th at their end (Hoare's selection; no two entries are equal).
    private void PartBest()
    {
        var (low, high) = (0, _kept.Length - 1);
        while (low < high)
        {
            var pivot = Median(_kept[low], _kept[(low + high) / 2], _kept[high]);
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (_kept[i] < pivot)
                {
                    i++;
                }

                while (_kept[j] > pivot)
                {
                    j--;
                }

                if (i <= j)
                {
                    (_kept[i], _kept[j]) = (_kept[j], _kept[i]);
                    i++;
                    j--;
                }
            }

            if (k - 1 <= j)
            {
                high = j;
            }
            else if (k - 1 >= i)
            {
                low = i;
            }
            else
            {
                return;
            }
        }
    }

    private static ulong Median(ulong a, ulong b, ulong c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));

    // Maps floats to unsigned integers in the opposite order: the sign flips, and negative floats rise with their bits.
    private static uint Order(float score)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f); // -0 is 0
        return (bits & 0x80000000) == 0 ? ~(bits | 0x80000000) : bits;
    }

    private static float Score(ulong item)
    {
        var order = (uint)(item >> 32);
        return BitConverter.UInt32BitsToSingle((order & 0x80000000) == 0 ? ~order & 0x7FFFFFFF : order);
    }
}
