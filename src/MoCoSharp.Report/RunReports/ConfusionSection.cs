using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>The markup of a confusion matrix: a table whose cells are colored by their share of the class.</summary>
internal static class ConfusionSection
{
    private const int MostMistakes = 10;

    /// <summary>The matrix, if it is readable, and the most frequent mistakes.</summary>
    public static string Create(Confusion confusion)
    {
        var markup = new StringBuilder($"<h3>{HtmlText.Escape(confusion.Title)}</h3>");
        if (confusion.IsShown)
        {
            AddMatrix(markup, confusion);
        }

        var mistakes = confusion.Mistakes(MostMistakes).ToList();
        if (mistakes.Count > 0)
        {
            markup.Append("<h3>Most frequent mistakes</h3>")
                .Append("<table><tr><th>class</th><th>predicted</th><th>images</th></tr>");
            foreach (var (label, predicted, count, share) in mistakes)
            {
                markup.Append($"<tr><td>{HtmlText.Name(label)}</td><td>{HtmlText.Name(predicted)}</td>")
                    .Append(Invariant($"<td>{count} ({100 * share:F0} % of the class)</td></tr>"));
            }

            markup.Append("</table>");
        }

        return markup.ToString();
    }

    private static void AddMatrix(StringBuilder markup, Confusion confusion)
    {
        markup.Append("<p class=\"quiet\">Rows: the class. Columns: the prediction. Percent of the class.</p>")
            .Append("<table class=\"confusion\"><tr><th></th>");
        foreach (var name in confusion.ClassNames)
        {
            markup.Append($"<th><span>{HtmlText.Name(name)}</span></th>");
        }

        foreach (var (label, row) in confusion.Counts.Index())
        {
            markup.Append($"</tr><tr><th>{HtmlText.Name(confusion.ClassNames[label])}</th>");
            var sum = Math.Max(1, row.Sum());
            foreach (var (predicted, count) in row.Index())
            {
                var percent = 100.0 * count / sum;
                var kind = label == predicted ? "right" : "wrong";
                var text = count == 0 ? "" : Invariant($"{percent:F0}");
                markup.Append(Invariant($"<td class=\"{kind}\" style=\"--share: {percent:F0}%\" "))
                    .Append(Invariant($"title=\"{count} images\">{text}</td>"));
            }
        }

        markup.Append("</tr></table>");
    }
}
