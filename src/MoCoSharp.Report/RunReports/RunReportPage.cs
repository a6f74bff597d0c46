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
    public static string Create(RunReport report)
    {
        var page = new HtmlPage($"Report of {report.Name}");
        page.AddStyle(PageAssets.Read("run-report.css"));
        page.Add("<noscript><p>Charts and neighbors need JavaScript.</p></noscript>");
        page.Add($"<p class=\"verdict\">{HtmlText.Sentence(report.Verdict[0])}</p>");
        foreach (var sentence in report.Verdict.Skip(1))
        {
            page.Add($"<p class=\"quiet\">{HtmlText.Sentence(sentence)}</p>");
        }

        foreach (var (part, title, body) in Sections)
        {
            if (body(report) is { } markup)
            {
                page.Add($"<h2 id=\"{Anchor(part)}-title\">{title}</h2>");
                page.Add(markup);
            }
            else if (report.LeftOut.TryGetValue(part, out var why))
            {
                page.Add($"<p class=\"quiet left-out\">{title}: {HtmlText.Sentence(why)}</p>");
            }
        }

        page.Add("<h2>Configuration and versions</h2>");
        page.Add(ReportSections.Facts(report));
        AddScripts(page, report);
        return page.ToString();
    }

    private static void AddScripts(HtmlPage page, RunReport report)
    {
        AddSheet(page, "of-neighbors", report.Neighbors?.Sheet);
        AddSheet(page, "of-map", report.Map?.Sheet);
        if (report.Pictures is { } pictures)
        {
            page.AddStyle(pictures.Style);
        }

        if (report.Charts.Count > 0 || report.Map is not null)
        {
            page.AddScript(PageAssets.Plotly);
        }

        page.AddScript($"window.reportData = {PageData.Json(report)};");
        page.AddScript(PageAssets.Read("run-report.js"));
    }

    // Elements of this class show parts of the sheet.
    private static void AddSheet(HtmlPage page, string className, ThumbnailSheet? sheet)
    {
        if (sheet is not null)
        {
            page.AddStyle($".{className} {{ background-image: url(\"{sheet.Uri}\"); }}");
        }
    }

    private static string Anchor(ReportPart part) => part.ToString().ToLowerInvariant();
}
