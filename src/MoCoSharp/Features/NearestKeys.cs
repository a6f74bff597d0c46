using System.Numerics;

namespace MoCoSharp.Features;

/// <summary>The k highest of a stream of scores, exactly; of equal ones, those that came first.</summary>
/// <remarks>Almost every score is below the k-th so far and costs one lane of one comparison: a row of 50,000 is read at the speed of memory.</remarks>
/// <param name="k">Above 0.</param>
internal sealed class NearestKeys(int k)
{
    private readonly ulong[] kept = new ulong[2 * k]; // a score above, its index below: ascending is best first
    private int count;
    private float threshold = float.NegativeInfinity;

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        count = 0;
        threshold = float.NegativeInfinity;
    }

    /// <summary>Takes in the next scores.</summary>
    /// <param name="scores">None is NaN.</param>
    /// <param name="first">Index of the first one; rises from call to call.</param>
    public void Add(ReadOnlySpan<float> scores, int first)
    {
        var i = 0;
        for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            if (Vector.GreaterThanAny(new Vector<float>(scores[i..]), new Vector<float>(threshold)))
            {
                AddOneByOne(scores.Slice(i, Vector<float>.Count), first + i);
            }
        }

        AddOneByOne(scores[i..], first + i);
    }

    /// <summary>The best so far, best first.</summary>
    public IEnumerable<(float Score, int Index)> Best()
    {
        Array.Sort(kept, 0, count);
        return kept.Take(Math.Min(k, count)).Select(item => (Score(item), (int)(uint)item));
    }

    private void AddOneByOne(ReadOnlySpan<float> scores, int first)
    {
        for (var i = 0; i < scores.Length; i++)
        {
            if (scores[i] > threshold)
            {
                kept[count++] = ((ulong)Order(scores[i]) << 32) | (uint)(first + i);
                if (count == kept.Length)
                {
                    Array.Sort(kept);
                    count = k;
                    threshold = Score(kept[k - 1]);
                }
            }
        }
    }

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
