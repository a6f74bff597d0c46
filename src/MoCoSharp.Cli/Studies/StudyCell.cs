using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>One line of a study's table: a recipe with something changed, trained once for each seed.</summary>
/// <param name="Name">Of its run folders, before the seed.</param>
/// <param name="Shown">What the table says of it, column by column.</param>
/// <param name="X">Where the plot puts it.</param>
/// <param name="Series">Which line of the plot it is on.</param>
/// <param name="Config">The recipe with what is changed.</param>
internal sealed record StudyCell(string Name, IReadOnlyList<string> Shown, string X, string Series, RunConfig Config);

/// <summary>A study of the papers: its cells, in the order of their table.</summary>
/// <param name="Name">"ablation" and so on.</param>
/// <param name="Description">For --help.</param>
/// <param name="Columns">Of the table, before the numbers.</param>
/// <param name="XLabel">Under the plot.</param>
/// <param name="Values">The values that --values replaces; empty where there is nothing to replace.</param>
/// <param name="Cells">Of a recipe, values and the number of images.</param>
internal sealed record StudyKind(
    string Name, string Description, IReadOnlyList<string> Columns, string XLabel, IReadOnlyList<double> Values,
    Func<RunConfig, IReadOnlyList<double>, int, IEnumerable<StudyCell>> Cells)
{
    /// <summary>Whether the values count something.</summary>
    public bool CountsWhole { get; init; }
}
