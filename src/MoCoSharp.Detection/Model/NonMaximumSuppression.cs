using System.Numerics;

namespace MoCoSharp.Detection.Model;

/// <summary>Drops boxes that overlap a box with a higher score.</summary>
internal static class NonMaximumSuppression
{
    /// <summary>Greedy, from the highest score down. Among equal scores the first wins.</summary>
    /// <param name="boxes">B boxes.</param>
    /// <param name="scores">Finite scores. Length B.</param>
    /// <param name="threshold">A box is dropped if its IoU with a kept one is higher.</param>
    /// <param name="limit">Maximum number of boxes to keep.</param>
    /// <returns>Indices of the kept boxes, by descending score.</returns>
    public static int[] Keep(
        IReadOnlyList<Box> boxes, IReadOnlyList<float> scores, float threshold, int limit = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        ArgumentNullException.ThrowIfNull(scores);
        int[] order = [.. Enumerable.Range(0, boxes.Count).OrderByDescending(i => scores[i])]; // stable
        var sorted = new Columns(order, boxes);
        var kept = new List<int>();
        for (var i = 0; i < order.Length && kept.Count < limit; i++)
        {
            if (sorted.Gone[i] == 0)
            {
                kept.Add(order[i]);
                sorted.Suppress(i, threshold);
            }
        }

        return [.. kept];
    }

    /// <summary>The same for each class separately: boxes of different classes do not suppress each other.</summary>
    /// <param name="boxes">B boxes.</param>
    /// <param name="scores">Scores. Length B.</param>
    /// <param name="classes">Classes. Length B.</param>
    /// <param name="threshold">IoU threshold.</param>
    /// <param name="limit">Maximum number of boxes to keep, over all classes.</param>
    public static int[] KeepByClass(
        IReadOnlyList<Box> boxes, IReadOnlyList<float> scores, IReadOnlyList<int> classes, float threshold,
        int limit = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(classes);
        var groups = Enumerable
            .Range(0, classes.Count)
            .GroupBy(i => classes[i])
            .Select(group => group.ToArray())
            .ToList();
        var kept = new int[groups.Count][];
        Parallel.For(0, groups.Count, g =>
        {
            var members = groups[g];
            kept[g] =
            [
                .. Keep([.. members.Select(i => boxes[i])], [.. members.Select(i => scores[i])], threshold, limit)
                    .Select(i => members[i]),
            ];
        });
        return [.. kept.SelectMany(group => group).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(limit)];
    }

    // Corners and areas in separate arrays, so that a vector compares several boxes at once.
    private sealed class Columns
    {
        private readonly float[] left, top, right, bottom, area;

        public Columns(int[] order, IReadOnlyList<Box> boxes)
        {
            var length = order.Length + Vector<float>.Count; // room for the last vector
            (left, top, right, bottom, area, Gone) = (
                new float[length], new float[length], new float[length], new float[length], new float[length],
                new int[length]);
            for (var i = 0; i < order.Length; i++)
            {
                var box = boxes[order[i]];
                (left[i], top[i], right[i], bottom[i], area[i]) = (box.Left, box.Top, box.Right, box.Bottom, box.Area);
            }
        }

        /// <summary>Not 0 for a suppressed box.</summary>
        public int[] Gone { get; }

        public void Suppress(int by, float threshold)
        {
            var (l, t, r, b, a) = (
                new Vector<float>(left[by]), new Vector<float>(top[by]), new Vector<float>(right[by]),
                new Vector<float>(bottom[by]),
                new Vector<float>(area[by]));
            var limit = new Vector<float>(threshold);
            for (var i = by + 1; i <= left.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var width = Vector.Max(
                    Vector<float>.Zero,
                    Vector.Min(r, new Vector<float>(right, i)) - Vector.Max(l, new Vector<float>(left, i)));
                var height = Vector.Max(
                    Vector<float>.Zero,
                    Vector.Min(b, new Vector<float>(bottom, i)) - Vector.Max(t, new Vector<float>(top, i)));
                var common = width * height;
                var covers = Vector.GreaterThan(common / (a + new Vector<float>(area, i) - common), limit);
                (new Vector<int>(Gone, i) | covers).CopyTo(Gone, i);
            }
        }
    }
}
