using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>The markup of the parts of a report. run-report.js fills the empty elements.</summary>
internal static class ReportSections
{
    private const string ColorChoice =
        """
        <p><label>Color by <select id="map-colors">
        <option value="labels">class</option><option value="clusters">cluster</option></select></label></p>
        """;

    private const int Small = 600; // pixels: a narrower picture is enlarged

    /// <summary>The conclusion.</summary>
    public static string Verdict(RunReport report) => string.Concat(report.Verdict.Select((sentence, i) =>
        $"<p class=\"{(i == 0 ? "verdict" : "quiet")}\">{HtmlText.Sentence(sentence)}</p>\n"));

    /// <summary>How far the run is. run-watch.js keeps it up to date.</summary>
    public static string Status(LivePage live) =>
        $"""
        <p id="status" class="status" role="status" data-run="{HtmlText.Escape(live.Status.Run)}"
        data-state="{HtmlText.Escape(live.Status.State)}" data-cursor="{HtmlText.Escape(live.Cursor)}"
        data-images="{HtmlText.Escape(live.Images.Version)}">
        <b id="state">{HtmlText.Escape(live.Status.State)}</b>
        <span id="status-text">{HtmlText.Escape(live.Status.Text)}</span>
        <span id="newer-images" hidden>Newer images: <span id="newer-title"></span>.
        <a href="">Show them</a></span></p>
        <p id="connection" class="quiet" hidden>The server does not answer.
        The page tries again every few seconds; <code>moco watch</code> starts a server.</p>
        """;

    /// <summary>The charts; null without metrics.</summary>
    public static string? Curves(RunReport report) => report.Charts.Count == 0 && report.Live is null ? null :
        """
        <p class="quiet">All charts have one cursor.
        Drag to enlarge a range, and double-click to see all of it.</p>
        <div id="curves" class="chart"></div>
        """;

    /// <summary>The slider and the place of the neighbors; null without them.</summary>
    public static string? Neighbors(RunReport report)
    {
        if (report.Neighbors is not { } neighbors)
        {
            return null;
        }

        return Invariant($"""
        <p>The first image of each row is a query.
        Its nearest neighbors among {neighbors.Searched} images follow, with their cosines.
        Move the slider to see the encoder learn.</p>
        {StageSlider("stage", neighbors.Stages.Count)}
        <div id="neighbors" class="rows"></div>
        """);
    }

    /// <summary>The place of the map; null without one.</summary>
    public static string? Map(RunReport report) => report.Map is not { } map ? null : Invariant(
        $"""
        <p>Each point is one of {map.Names.Count} images: {HtmlText.Escape(map.Method)}.
        Point at one to see it. Draw a lasso to list the images inside.</p>
        {(map.Stages.Count > 1 ? StageSlider("map-stage", map.Stages.Count) : "")}
        {(map.HasTwoColorings ? ColorChoice : "")}
        <div class="map"><div id="map" class="chart"></div><div id="shown" aria-live="polite"></div></div>
        <p id="selection-title" class="quiet"></p>
        <div id="selection"></div>
        """);

    // At the start, the page shows the newest stage, which is the last.
    private static string StageSlider(string id, int stages) => Invariant(
        $"""
        <p class="slider">
        <input id="{id}" type="range" aria-label="checkpoint" min="0" max="{stages - 1}" value="{stages - 1}">
        <output id="{id}-title" for="{id}"></output></p>
        """);

    /// <summary>The sample views; null without them.</summary>
    public static string? Views(RunReport report) => report.Views is not var (uri, width) ? null :
        $"""
        <p>Each pair shows two random views of one image, as the encoders saw them.</p>
        <img class="views{(width < Small ? " small" : "")}" src="{HtmlText.Escape(uri)}" alt="pairs of random views">
        """;

    /// <summary>The results, the confusion matrix and the most frequent mistakes; null without an evaluation.</summary>
    public static string? Evaluations(RunReport report)
    {
        if (report.Evaluations is not { } evaluations)
        {
            return null;
        }

        var markup = new StringBuilder(
            "<table><tr><th>evaluation</th><th>top-1</th><th>step</th><th>protocol</th></tr>");
        foreach (var line in evaluations.All)
        {
            var interval = line.Interval is var (low, high) ? Invariant($" ({100 * low:F1} to {100 * high:F1})") : "";
            markup.Append($"<tr><td>{HtmlText.Escape(line.Name)}</td>")
                .Append(Invariant($"<td class=\"figure\">{100 * line.Top1:F1} %{interval}</td><td>{line.Step}</td>"))
                .Append($"<td>{HtmlText.Escape(line.Protocol)}</td></tr>");
        }

        markup.Append("</table>");
        if (evaluations.Confusion is { } confusion)
        {
            markup.Append(ConfusionSection.Create(confusion));
        }

        return markup.ToString();
    }

    /// <summary>Problems, or that there are none, and the latest figures; null if the run was not examined.</summary>
    public static string? Health(RunReport report)
    {
        if (report.Health is not { } health)
        {
            return null;
        }

        var markup = new StringBuilder();
        foreach (var problem in health.Problems)
        {
            markup.Append($"<div class=\"problem\"><p><b>{HtmlText.Escape(problem.Finding)}</b>")
                .Append(Invariant($" (step {problem.Step})</p>"))
                .Append($"<p>evidence: {HtmlText.Escape(problem.Evidence)}</p>")
                .Append($"<p>cause: {HtmlText.Escape(problem.Cause)}</p>")
                .Append($"<p>cure: {HtmlText.Sentence(problem.Cure)}</p></div>");
        }

        foreach (var sentence in health.Notes.Prepend(health.Conclusion).OfType<string>())
        {
            markup.Append($"<p>{HtmlText.Sentence(sentence)}</p>");
        }

        if (health.Figures.Count > 0)
        {
            markup.Append("<details><summary>The latest figures</summary><table>");
            foreach (var (name, value, meaning) in health.Figures)
            {
                markup.Append(Invariant($"<tr><td><code>{HtmlText.Escape(name)}</code></td><td>{value:G4}</td>"))
                    .Append($"<td>{HtmlText.Escape(meaning)}</td></tr>");
            }

            markup.Append("</table></details>");
        }

        return markup.ToString();
    }

    /// <summary>The command, the versions, the configuration, and the license of the charts.</summary>
    public static string Facts(RunReport report)
    {
        var markup = new StringBuilder("<table>");
        foreach (var (name, value) in report.Facts)
        {
            markup.Append($"<tr><td>{HtmlText.Escape(name)}</td><td><code>{HtmlText.Escape(value)}</code></td></tr>");
        }

        return markup.Append("</table><details><summary>The configuration</summary><pre><code>")
            .Append(string.Join('\n', report.Configuration.Split('\n').Select(HtmlText.Escape)))
            .Append("</code></pre></details>")
            .Append("<p class=\"quiet\">Charts: plotly.js, copyright Plotly, Inc., MIT license; ")
            .Append("its notice is in this file.</p>")
            .ToString();
    }
}
