using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>The page that compares runs: one file with their verdicts, curves, scores and settings.</summary>
internal static class ComparisonPage
{
    private const int MostDifferences = 4; // of a run in the overview; a table below has all

    /// <summary>The HTML of the page.</summary>
    /// <param name="comparison">What it shows.</param>
    public static string Create(RunComparison comparison)
    {
        var page = new HtmlPage($"Comparison of {comparison.Runs.Count} runs");
        page.AddStyle(PageAssets.Read("run-report.css"));
        page.Add("<noscript><p>Charts need JavaScript.</p></noscript>");
        page.Add($"<p class=\"verdict\">{HtmlText.Sentence(comparison.Verdict[0])}</p>");
        foreach (var sentence in comparison.Verdict.Skip(1))
        {
            page.Add($"<p class=\"quiet\">{HtmlText.Sentence(sentence)}</p>");
        }

        page.Add(Overview(comparison));
        if (comparison.Charts.Count > 0)
        {
            page.Add("<h2>Curves</h2>");
            page.Add(
                """
                <p class="quiet">A click on a run in the legend hides it in all charts, and shows it again.
                A double click shows it alone. Drag to enlarge a range, and double-click to see all of it.</p>
                <div id="curves" class="chart"></div>
                """);
        }

        if (comparison.Scores.Count > 0)
        {
            page.Add("<h2>Scores</h2>");
            page.Add("<p class=\"quiet\">Scores of different tables are not comparable.</p>");
            page.Add(string.Concat(comparison.Scores.Select(table => table.ToHtml())));
        }

        page.Add("<h2>Differences of configuration</h2>");
        page.Add(comparison.Differences?.ToHtml() ?? "<p>All settings are equal.</p>");
        AddScripts(page, comparison);
        return page.ToString();
    }

    private static string Overview(RunComparison comparison)
    {
        var markup = new StringBuilder("<div class=\"wide\"><table id=\"overview\"><tr><th>run</th>")
            .Append("<th>what differs</th><th>kNN, % (95 %)</th><th>linear, % (95 %)</th><th>rank</th>")
            .Append("<th>training</th><th>verdict</th></tr>");
        foreach (var run in comparison.Runs)
        {
            markup.Append($"<tr><td><i class=\"swatch\" data-name=\"{HtmlText.Escape(run.Name)}\"></i>")
                .Append($"<b>{HtmlText.Name(run.Name)}</b></td><td class=\"differences\">{Differences(run)}</td>");
            foreach (var figure in new[] { run.Knn, run.Linear, run.Rank, run.Time })
            {
                markup.Append($"<td class=\"figure\">{HtmlText.Escape(figure)}</td>");
            }

            markup.Append($"<td>{HtmlText.Escape(run.Verdict)}</td></tr>");
        }

        return markup.Append("</table></div>").ToString();
    }

    private static string Differences(ComparedRun run)
    {
        var some = run.Differences.Take(MostDifferences).Select(setting => $"<code>{HtmlText.Name(setting)}</code>");
        var more = run.Differences.Count - MostDifferences;
        return string.Join("<br>", some) + (more > 0 ? Invariant($"<br>and {more} more") : "");
    }

    private static void AddScripts(HtmlPage page, RunComparison comparison)
    {
        if (comparison.Charts.Count > 0)
        {
            page.AddScript(PageAssets.Plotly);
        }

        page.AddScript($"window.reportData = {PageData.Json(comparison)};");
        page.AddScript(PageAssets.Read("run-report.js"));
    }
}
