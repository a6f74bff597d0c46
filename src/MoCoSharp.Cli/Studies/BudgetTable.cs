using System.Globalization;
using System.Text;

namespace MoCoSharp.Cli.Studies;

/// <summary>Writes the board: every candidate that was tried, the best first, beside what needs no training.</summary>
internal static class BudgetTable
{
    /// <summary>The table in Markdown.</summary>
    /// <param name="title">Recipe, images and budget.</param>
    /// <param name="rows">Runs that have ended, of all candidates and seeds.</param>
    /// <param name="baselines">Accuracies without an encoder, 0 to 1, by name.</param>
    /// <param name="judge">Which images judge, in a sentence.</param>
    public static string Markdown(
        string title, IReadOnlyList<BudgetRow> rows, IReadOnlyDictionary<string, double> baselines, string judge)
    {
        var text = new StringBuilder($"# {title}\n\n");
        text.Append("| candidate | settings | kNN | range | seeds | epochs | minutes | effective rank |\n");
        text.Append("|---|---|---:|---:|---:|---:|---:|---:|\n");
        var lines = rows.GroupBy(row => row.Candidate).Select(Line)
            .Concat(baselines.Select(item => (Score: item.Value, Text: Line(item.Key, item.Value))));
        if (rows.Where(row => double.IsFinite(row.Untrained)).ToList() is { Count: > 0 } known)
        {
            // The first candidate with a result is the recipe, unless it is left out.
            var untrained = known.Where(row => row.Candidate == known[0].Candidate)
                .Select(row => 100 * row.Untrained).ToList();
            lines = lines.Append((
                untrained.Average() / 100,
                $"| untrained encoder | {known[0].Settings} | {untrained.Average():F1} | {Range(untrained, "F1")} " +
                $"| {untrained.Count} | | | |"));
        }

        foreach (var (_, line) in lines.OrderByDescending(line => double.IsFinite(line.Score) ? line.Score : -1))
        {
            text.Append(CultureInfo.InvariantCulture, $"{line}\n");
        }

        var protocol = rows.Select(row => row.Protocol).FirstOrDefault(known => known.Length > 0);
        return text.Append(
                $"\nTop-1 in percent after the last epoch: mean, lowest and highest of the seeds. {judge}\n" +
                $"{(protocol is null ? "" : $"Protocol: {protocol}.\n")}" +
                "`moco pretrain DIR/CANDIDATE-seed-N/config.json` repeats a run with the same epochs.\n")
            .ToString();
    }

    /// <summary>One line for each run.</summary>
    public static string Csv(IEnumerable<BudgetRow> rows) =>
        "candidate,settings,seed,knn,untrained,epochs,minutes,effectiveRank\n"
        + string.Concat(rows.Select(row => string.Create(
            CultureInfo.InvariantCulture,
            $"{Quoted(row.Candidate)},{Quoted(row.Settings)},{row.Seed},{row.Knn},{row.Untrained},{row.Epochs}," +
            $"{row.Minutes:F2},{row.EffectiveRank}\n")));

    private static (double Score, string Text) Line(IEnumerable<BudgetRow> candidate)
    {
        List<BudgetRow> runs = [.. candidate];
        List<double> scores = [.. runs.Where(run => double.IsFinite(run.Knn)).Select(run => 100 * run.Knn)];
        var diverged = runs.Count - scores.Count;
        var mean = scores.Count == 0 ? "" : Text(scores.Average(), "F1");
        var lost = diverged == 0 ? "" : scores.Count == 0 ? "diverged" : $", {diverged} diverged";
        List<double> ranks = [.. runs.Select(run => run.EffectiveRank).OfType<double>()];
        return (
            scores.Count == 0 ? double.NaN : scores.Average() / 100,
            $"| {runs[0].Candidate} | {runs[0].Settings} | {mean}{lost} | {Range(scores, "F1")} | {runs.Count} | " +
            $"{Range([.. runs.Select(run => (double)run.Epochs)], "F0")} | " +
            $"{Range([.. runs.Select(run => run.Minutes)], "F1")} | {Range(ranks, "F1")} |");
    }

    private static string Line(string name, double score) =>
        $"| {name} | | {Text(100 * score, "F1")} | | | | | |";

    // "24", or "24 to 25".
    private static string Range(List<double> values, string format)
    {
        if (values.Count == 0)
        {
            return "";
        }

        var (low, high) = (Text(values.Min(), format), Text(values.Max(), format));
        return low == high ? low : $"{low} to {high}";
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
