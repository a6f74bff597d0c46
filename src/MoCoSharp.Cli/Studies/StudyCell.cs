using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>One line of a study's table: a changed recipe, trained once per seed.</summary>
/// <param name="Name">Prefix of its run folders, before the seed.</param>
/// <param name="Shown">Its columns in the table.</param>
/// <param name="X">Its position in the plot.</param>
/// <param name="Series">Its line in the plot.</param>
/// <param name="Config">The changed recipe.</param>
internal sealed record StudyCell(string Name, IReadOnlyList<string> Shown, string X, string Series, RunConfig Config);

/// <summary>A study from the papers: its cells, in table order.</summary>
/// <param name="Name">"ablation" and so on.</param>
/// <param name="Description">Description for --help.</param>
/// <param name="Columns">Columns of the table before the numbers.</param>
/// <param name="XLabel">Label of the x axis.</param>
/// <param name="Values">The default of --values; empty if the study has none.</param>
/// <param name="Cells">Creates the cells from a recipe, values and the number of images.</param>
internal sealed record StudyKind(
    string Name, string Description, IReadOnlyList<string> Columns, string XLabel, IReadOnlyList<double> Values,
    Func<RunConfig, IReadOnlyList<double>, int, IEnumerable<StudyCell>> Cells)
{
    /// <summary>Whether the values are whole numbers.</summary>
    public bool CountsWhole { get; init; }

    /// <summary>What the study cannot do with a recipe, in a sentence; null if nothing.</summary>
    public Func<RunConfig, string?> Fault { get; init; } = _ => null;
}
