using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>
/// Reads evaluations/*.json of a run. A file that is not a complete report of an evaluation is left out.
/// </summary>
internal static class RunEvaluations
{
    /// <summary>
    /// All evaluations, the latest first, with the confusion matrix of the latest; null if there are none.
    /// </summary>
    /// <param name="run">The run folder.</param>
    public static EvaluationList? Read(RunFolder run)
    {
        var folder = Path.Combine(run.Path, "evaluations");
        if (!Directory.Exists(folder))
        {
            return null;
        }

        List<(EvaluationLine Line, Confusion? Confusion)> found =
        [
            .. Directory.GetFiles(folder, "*.json")
                .OrderByDescending(File.GetLastWriteTimeUtc)
                .ThenBy(path => path, StringComparer.Ordinal)
                .Select(Parse)
                .OfType<(EvaluationLine, Confusion?)>(),
        ];
        return found.Count == 0 ? null : new EvaluationList([.. found.Select(item => item.Line)], found[0].Confusion);
    }

    private static (EvaluationLine Line, Confusion? Confusion)? Parse(string path)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(path)) is not JsonObject report
                || report["protocol"] is null || report["top1"] is null)
            {
                return null;
            }

            var line = new EvaluationLine(
                (string?)report["evaluation"] ?? "?", (string)report["protocol"]!, (long?)report["step"] ?? 0,
                (double)report.Required("top1"),
                report["top1Interval95"] is JsonArray { Count: 2 } ends
                    ? ((double)ends[0].Required(), (double)ends[1].Required())
                    : null);
            return (line, Matrix(report, line));
        }
        catch (Exception error) when (
            error is JsonException or InvalidOperationException or FormatException or ArgumentException
                or IOException)
        {
            return null;
        }
    }

    private static Confusion? Matrix(JsonObject report, EvaluationLine line)
    {
        if (report["perClass"] is not JsonObject classes || report["confusion"] is not JsonArray rows
            || rows.Count != classes.Count)
        {
            return null;
        }

        List<IReadOnlyList<int>> counts =
        [
            .. rows.Select(row => (IReadOnlyList<int>)
                [.. row.Required().AsArray().Select(count => (int)count.Required())]),
        ];
        return counts.TrueForAll(row => row.Count == classes.Count)
            ? new Confusion(
                Invariant($"Confusion of {line.Name}, step {line.Step}"), [.. classes.Select(item => item.Key)], counts)
            : null;
    }
}
