using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>The squared distance of each image to its nearest center, while centers are added.</summary>
/// <param name="rows">The features.</param>
/// <param name="count">The first rows, which are measured.</param>
internal sealed class CenterDistances(HostFeatures rows, int count)
{
    private readonly float[] _nearest = [.. Enumerable.Repeat(float.PositiveInfinity, count)];

    /// <summary>The squared distance of an image to its nearest center; infinite without centers.</summary>
    public float this[int row] => _nearest[row];

    /// <summary>Adds a center.</summary>
    /// <param name="center">Length D.</param>
    public void Add(ReadOnlySpan<float> center)
    {
        var copy = center.ToArray(); // a span does not cross threads
        Parallel.For(0, count, row =>
            _nearest[row] = Math.Min(_nearest[row], HostFeatures.SquaredDistance(rows.Row(row), copy)));
    }

    /// <summary>The image farthest from all centers; of equal ones, the first.</summary>
    /// <param name="isOpen">Whether a row may be chosen.</param>
    public int Farthest(Func<int, bool> isOpen)
    {
        var best = -1;
        for (var row = 0; row < count; row++)
        {
            if (isOpen(row) && (best < 0 || _nearest[row] > _nearest[best]))
            {
                best = row;
            }
        }

        return best;
    }

    /// <summary>An image drawn with probability proportional to its squared distance.</summary>
    /// <param name="random">The stream.</param>
    public int Draw(ref SampleRandom random)
    {
        var total = 0.0;
        foreach (var distance in _nearest)
        {
            total += distance;
        }

        var left = random.NextDouble() * total;
        var last = 0;
        for (var row = 0; row < count; row++)
        {
            left -= _nearest[row];
            if (_nearest[row] > 0)
            {
                last = row;
                if (left < 0)
                {
                    break;
                }
            }
        }

        return last; // 0 if all images are centers
    }
}
