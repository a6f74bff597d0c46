using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>What the page that compares runs shows.</summary>
internal sealed record RunComparison
{
    /// <summary>The conclusion, the most important sentence first; not empty.</summary>
    public required IReadOnlyList<string> Verdict { get; init; }

    /// <summary>The runs, in the order of their colors; not empty.</summary>
    public required IReadOnlyList<ComparedRun> Runs { get; init; }

    /// <summary>The charts of the metrics, from top to bottom. The name of a curve is the name of its run.</summary>
    public IReadOnlyList<Chart> Charts { get; init; } = [];

    /// <summary>The title of the horizontal axis of all charts.</summary>
    public string StepTitle { get; init; } = "step";

    /// <summary>The scores, a table for each protocol.</summary>
    public IReadOnlyList<PageTable> Scores { get; init; } = [];

    /// <summary>The settings that differ, a row each, a column for each run; null if there are none.</summary>
    public PageTable? Differences { get; init; }
}

/// <summary>A row of the overview. A figure is "-" if it was not measured.</summary>
/// <param name="Name">The name of the run.</param>
/// <param name="Differences">Settings in which it differs from other runs, such as "seed=1".</param>
/// <param name="Knn">kNN accuracy in percent, with its 95 % interval.</param>
/// <param name="Linear">The accuracy of the latest linear classifier in percent, with its 95 % interval.</param>
/// <param name="Rank">The effective rank of pooled features.</param>
/// <param name="Time">The time of its training steps.</param>
/// <param name="Verdict">Whether the run was worth it, in a few words.</param>
internal sealed record ComparedRun(
    string Name, IReadOnlyList<string> Differences, string Knn, string Linear, string Rank, string Time,
    string Verdict);
