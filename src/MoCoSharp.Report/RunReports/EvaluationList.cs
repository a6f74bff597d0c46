namespace MoCoSharp.Report.RunReports;

/// <summary>The evaluations of a run.</summary>
/// <param name="All">One for each file; not empty.</param>
/// <param name="Confusion">The confusion matrix of the latest; null if it has none.</param>
internal sealed record EvaluationList(IReadOnlyList<EvaluationLine> All, Confusion? Confusion);

/// <summary>The result of an evaluation.</summary>
/// <param name="Name">"knn", "linear" and so on.</param>
/// <param name="Protocol">The complete protocol.</param>
/// <param name="Step">Training steps of the encoder.</param>
/// <param name="Top1">Share of images that are classified correctly, 0 to 1.</param>
/// <param name="Interval">Its 95 % interval; null if it is unknown.</param>
internal sealed record EvaluationLine(
    string Name, string Protocol, long Step, double Top1, (double Low, double High)? Interval);

/// <summary>Which classes an evaluation confuses.</summary>
/// <param name="Title">The evaluation.</param>
/// <param name="ClassNames">By label.</param>
/// <param name="Counts">Number of images: a row for each true class, a column for each predicted class.</param>
internal sealed record Confusion(
    string Title, IReadOnlyList<string> ClassNames, IReadOnlyList<IReadOnlyList<int>> Counts)
{
    private const int MostShown = 30; // classes: a table of more is unreadable, and large

    /// <summary>Whether a table of the matrix is readable.</summary>
    public bool IsShown => ClassNames.Count <= MostShown;

    /// <summary>The most frequent mistakes, the most frequent first.</summary>
    /// <param name="most">Above 0.</param>
    public IEnumerable<(string True, string Predicted, int Count, double Share)> Mistakes(int most) => Counts
        .SelectMany((row, label) => row.Select((count, other) => (label, other, count, Sum: row.Sum())))
        .Where(item => item.label != item.other && item.count > 0)
        .OrderByDescending(item => item.count)
        .Take(most)
        .Select(item => (
            ClassNames[item.label], ClassNames[item.other], item.count, item.count / (double)item.Sum));
}
