using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>The page of a run: one file that shows whether it was worth it, and what the encoder learned.</summary>
internal static class RunReportPage
{
    // In the order of the page. A body is null if its data are missing.
    private static readonly (ReportPart Part, string Title, Func<RunReport, string?> Body)[] Sections =
    [
        (ReportPart.Curves, "Curves", ReportSections.Curves),
        (ReportPart.Neighbors, "Nearest neighbors", ReportSections.Neighbors),
        (ReportPart.Map, "Map", ReportSections.Map),
        (ReportPart.Views, "Sample views", ReportSections.Views),
        (ReportPart.Clusters, "Clusters", report => report.Clusters?.ToHtml(report.Pictures!)),
        (ReportPart.Duplicates, "Near duplicates", report => report.Duplicates?.ToHtml(report.Pictures!)),
        (ReportPart.Evaluations, "Evaluations", ReportSections.Evaluations),
        (ReportPart.Mistakes, "Worst mistakes", report => report.Mistakes?.ToHtml(report.Pictures!)),
        (ReportPart.Health, "Health", ReportSections.Health),
    ];

    /// <summary>The HTML of the page.</summary>
    /// <param name="report">What it shows.</param>
    public static string Create(RunReport report) => Build(report).ToString();

    /// <summary>The page, with its Content-Security-Policy for a server.</summary>
    /// <param name="report">What it shows.</param>
    public static HtmlPage Build(RunReport report)
    {
        var isLive = report.Live is not null;
        var page = new HtmlPage($"Report of {report.Name}") { ConnectsToItsServer = isLive };
        page.AddStyle(PageAssets.Read("run-report.css"));
        page.Add("<noscript><p>Charts and neighbors need JavaScript.</p></noscript>");
        if (report.Live is { } live)
        {
            page.Add(ReportSections.Status(live));
        }

        foreach (var part in Parts(report).Where(part => isLive || part.Markup.Length > 0))
        {
            page.Add($"<section id=\"part-{part.Name}\" data-version=\"{part.Version}\">");
            page.Add(part.Markup);
            page.Add("</section>");
        }

        AddScripts(page, report);
        return page;
    }

    /// <summary>The parts of the page, from top to bottom. The markup of a part without data is empty.</summary>
    /// <param name="report">What they show.</param>
    public static IEnumerable<LivePart> Parts(RunReport report) =>
    [
        LivePart.From("verdict", ReportSections.Verdict(report)),
        .. Sections.Select(section => LivePart.From(Anchor(section.Part), Markup(report, section))),
        LivePart.From("facts", "<h2>Configuration and versions</h2>\n" + ReportSections.Facts(report)),
    ];

    /// <summary>The name of a part in the page.</summary>
    public static string Anchor(ReportPart part) => part.ToString().ToLowerInvariant();

    private static string Markup(
        RunReport report, (ReportPart Part, string Title, Func<RunReport, string?> Body) section)
    {
        var (part, title, body) = section;
        return body(report) is { } markup ? $"<h2 id=\"{Anchor(part)}-title\">{title}</h2>\n{markup}"
            : report.LeftOut.TryGetValue(part, out var why)
                ? $"<p class=\"quiet left-out\">{title}: {HtmlText.Sentence(why)}</p>"
                : "";
    }

    private static void AddScripts(HtmlPage page, RunReport report)
    {
        AddSheet(page, "of-neighbors", report.Neighbors?.Sheet);
        AddSheet(page, "of-map", report.Map?.Sheet);
        if (report.Pictures is { } pictures)
        {
            page.AddStyle(pictures.Style);
        }

        if (report.Charts.Count > 0 || report.Map is not null || report.Live is not null)
        {
            page.AddScript(PageAssets.Plotly);
        }

        page.AddScript($"window.reportData = {PageData.Json(report)};");
        page.AddScript(PageAssets.Read("run-report.js"));
        if (report.Live is not null)
        {
            page.AddScript(PageAssets.Read("run-watch.js"));
        }
    }

    // Elements of this class show parts of the sheet.
    private static void AddSheet(HtmlPage page, string className, ThumbnailSheet? sheet)
    {
        if (sheet is not null)
        {
            page.AddStyle($".{className} {{ background-image: url(\"{sheet.Uri}\"); }}");
        }
    }
}
