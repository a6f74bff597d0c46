namespace MoCoSharp.Detection.Metrics;

/// <summary>A number for a curve of recall and precision.</summary>
internal static class AveragePrecision
{
    /// <summary>
    /// The mean, over recalls of 0, 0.1, ..., 1, of the best precision at that recall or beyond; 0 where none reaches
    /// it.
    /// </summary>
    /// <param name="curve">In the order of falling scores: the recall never falls.</param>
    public static double ElevenPoints(IReadOnlyList<(double Recall, double Precision)> curve)
    {
        ArgumentNullException.ThrowIfNull(curve);
        var sum = 0.0;
        for (var point = 0; point <= 10; point++)
        {
            var recall = point * 0.1; // 0.30000000000000004 and the like, as in the published code
            sum +=
                curve.Where(item => item.Recall >= recall).Select(item => item.Precision).DefaultIfEmpty(0).Max() / 11;
        }

        return sum;
    }

    /// <summary>The area under the curve, whose precision is first made never to rise with recall.</summary>
    /// <param name="curve">In the order of falling scores: the recall never falls.</param>
    public static double Area(IReadOnlyList<(double Recall, double Precision)> curve)
    {
        ArgumentNullException.ThrowIfNull(curve);
        var (area, best) = (0.0, 0.0);
        for (var i = curve.Count - 1; i >= 0; i--)
        {
            best = Math.Max(best, curve[i].Precision);
            area += best * (curve[i].Recall - (i == 0 ? 0 : curve[i - 1].Recall));
        }

        return area;
    }
}
