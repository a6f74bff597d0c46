namespace MoCoSharp.Report.RunReports;

/// <summary>A chart of metrics by step.</summary>
/// <param name="Title">What it shows, with its unit.</param>
/// <param name="Curves">Not empty.</param>
internal sealed record Chart(string Title, IReadOnlyList<Curve> Curves);

/// <summary>A curve of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Steps">Steps done, rising.</param>
/// <param name="Values">Finite values; as many as steps.</param>
internal sealed record Curve(string Name, IReadOnlyList<long> Steps, IReadOnlyList<float> Values)
{
    /// <summary>Whether it is a value to compare with, drawn dashed.</summary>
    public bool IsReference { get; init; }

    /// <summary>Units of the horizontal axis in a step: 1, or the share of an epoch.</summary>
    public double UnitsPerStep { get; init; } = 1;
}
