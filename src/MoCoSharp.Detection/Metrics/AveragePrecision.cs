namespace MoCoSharp.Detection.Metrics;

/// <summary>Average precision: a summary of a precision-recall curve.</summary>
internal static class AveragePrecision
{
    /// <summary>
    /// The mean of 11 precisions: for recall 0, 0.1, ..., 1, the best precision at that recall or above, or 0 if the
    /// curve does not reach it.
    /// </summary>
    /// <param name="curve">Ordered by descending score, so recall never falls.</param>
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

    /// <summary>The area under the curve, after precision is made monotonically decreasing in recall.</summary>
    /// <param name="curve">Ordered by descending score, so recall never falls.</param>
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
