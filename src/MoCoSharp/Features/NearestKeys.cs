using System.Numerics;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Features;

/// <summary>The k highest of a stream of scores, exactly; of equal ones, those that came first.</summary>
/// <remarks>
/// Almost every score is below the k-th so far and costs one lane of one comparison: a row of 50,000 is read at the
/// speed of memory. What is kept is only parted, not sorted, until the end.
/// </remarks>
/// <param name="k">Above 0.</param>
internal sealed class NearestKeys(int k)
{
    private readonly ulong[] _kept = new ulong[2 * k]; // a score above, its index below: ascending is best first
    private int _count;
    private float _threshold = float.NegativeInfinity;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _count = 0;
        _threshold = float.NegativeInfinity;
    }

    /// <summary>Takes in the next scores.</summary>
    /// <param name="scores">None is NaN.</param>
    /// <param name="first">Index of the first one; rises from call to call.</param>
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

    /// <summary>The best so far, best first.</summary>
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

    // Moves the k best to the front, the k-th itself to their end (Hoare's selection; no two entries are equal).
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

    // Unsigned integers in the opposite order of the floats: the sign flips, and negative floats rise with their bits.
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
