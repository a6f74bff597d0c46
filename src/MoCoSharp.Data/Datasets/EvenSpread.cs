namespace MoCoSharp.Data.Datasets;

/// <summary>Chooses positions that are spread evenly over a list.</summary>
internal static class EvenSpread
{
    private const double GoldenRatio = 0.6180339887498949;

    /// <summary>
    /// One position of each of equal parts. Its place in the part varies, because classes may follow each other with a
    /// period: every fifth image of ten classes in turn would be of two classes.
    /// </summary>
    /// <param name="count">Length of the list, 0 or more.</param>
    /// <param name="most">Number of positions, above 0; a shorter list gives all its positions.</param>
    /// <returns>Ascending, each once.</returns>
    public static int[] Of(int count, int most)
    {
        var parts = Math.Min(most, count);
        return
        [
            .. Enumerable.Range(0, parts).Select(part =>
            {
                var (begin, end) = ((long)part * count / parts, ((long)part + 1) * count / parts);
                return (int)(begin + (long)(part * GoldenRatio % 1 * (end - begin)));
            }),
        ];
    }
}
