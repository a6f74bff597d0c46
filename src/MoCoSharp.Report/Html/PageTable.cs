using System.Text;

namespace MoCoSharp.Report.Html;

/// <summary>A table of a page.</summary>
/// <param name="Title">Above the table; empty for none.</param>
/// <param name="Rows">The cells of each row. The first row is the heading.</param>
internal sealed record PageTable(string Title, IReadOnlyList<IReadOnlyList<string>> Rows)
{
    private const int MostUnbroken = 20; // letters of a cell that stays on one line

    /// <summary>Sentences below the table.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The markup. A wide table scrolls by itself.</summary>
    public string ToHtml()
    {
        var markup = new StringBuilder(Title.Length == 0 ? "" : $"<h3>{HtmlText.Escape(Title)}</h3>");
        markup.Append("<div class=\"wide\"><table>");
        foreach (var (number, row) in Rows.Index())
        {
            var tag = number == 0 ? "th" : "td";
            markup.Append("<tr>");
            foreach (var cell in row)
            {
                var kind = cell.Length <= MostUnbroken ? " class=\"figure\"" : "";
                markup.Append($"<{tag}{kind}>{HtmlText.Name(cell)}</{tag}>");
            }

            markup.Append("</tr>");
        }

        markup.Append("</table></div>");
        foreach (var note in Notes)
        {
            markup.Append($"<p class=\"quiet\">{HtmlText.Escape(note)}</p>");
        }

        return markup.ToString();
    }
}
