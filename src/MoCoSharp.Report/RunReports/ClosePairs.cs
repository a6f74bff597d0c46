using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>Images whose features are almost the same.</summary>
/// <param name="Summary">How many there are, and what finds all of them; a sentence each.</param>
/// <param name="All">The closest pairs, the closest first; not empty.</param>
internal sealed record ClosePairs(IReadOnlyList<string> Summary, IReadOnlyList<ClosePair> All)
{
    /// <summary>The markup: the images of each pair side by side.</summary>
    /// <param name="pictures">Has the images.</param>
    public string ToHtml(PictureSheet pictures)
    {
        var markup = new StringBuilder();
        foreach (var sentence in Summary)
        {
            markup.Append($"<p>{HtmlText.Sentence(sentence)}</p>");
        }

        markup.Append("<div class=\"pairs\">");
        foreach (var pair in All)
        {
            markup.Append("<div class=\"pair\"><div class=\"row\">")
                .Append(pictures.Figure(pair.First, pictures.Images[pair.First].Name))
                .Append(pictures.Figure(pair.Second, pictures.Images[pair.Second].Name))
                .Append(Invariant($"</div><p>cosine {Math.Floor(pair.Similarity * 10_000) / 10_000:F4}{Classes(pair)}"))
                .Append("</p></div>");
        }

        return markup.Append("</div>").ToString();

        // Copies with different labels are wrong labels.
        string Classes(ClosePair pair) =>
            (pictures.Images[pair.First].ClassName, pictures.Images[pair.Second].ClassName) is ({ } a, { } b) && a != b
                ? $"<br><b>{HtmlText.Name(a)}, {HtmlText.Name(b)}</b>"
                : "";
    }
}

/// <summary>Two images.</summary>
/// <param name="First">Position of an image.</param>
/// <param name="Second">Position of the other image.</param>
/// <param name="Similarity">The cosine of their features.</param>
internal sealed record ClosePair(int First, int Second, float Similarity);
