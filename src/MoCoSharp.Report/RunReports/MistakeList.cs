using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>The answers of nearest neighbors that are wrong and confident.</summary>
/// <param name="Neighbors">Number of neighbors that vote.</param>
/// <param name="Right">Number of images that get their label.</param>
/// <param name="Images">Number of images that have a label.</param>
/// <param name="All">The most confident mistakes, the most confident first; not empty.</param>
internal sealed record MistakeList(int Neighbors, int Right, int Images, IReadOnlyList<Mistake> All)
{
    /// <summary>The markup: each image, its label, the prediction, and the neighbors that voted.</summary>
    /// <param name="pictures">Has the images.</param>
    public string ToHtml(PictureSheet pictures)
    {
        var markup = new StringBuilder(Invariant($"""
            <p>Each image is classified by its {Neighbors} nearest neighbors among the other images of this report:
            {Right} of {Images} get their label ({100.0 * Right / Images:F1} %).
            <code>moco knn</code> measures the accuracy, with all training images.
            These wrong answers are the most confident. The image is hard, or its label is wrong.</p>
            """));
        markup.Append("<div class=\"rows\">");
        foreach (var mistake in All)
        {
            var label = pictures.Images[mistake.Image].ClassName ?? "";
            markup.Append("<div class=\"mistake\"><p>")
                .Append($"labeled <b>{HtmlText.Name(label)}</b>, predicted <b>{HtmlText.Name(mistake.Predicted)}</b> ")
                .Append(Invariant($"({100 * mistake.Confidence:F0} %)</p><div class=\"row\">"))
                .Append(pictures.Figure(mistake.Image, label, "query"))
                .AppendJoin("", mistake.Voters.Select(voter => pictures.Figure(
                    voter, pictures.Images[voter].ClassName ?? "",
                    pictures.Images[voter].ClassName == label ? "same" : "other")))
                .Append("</div></div>");
        }

        return markup.Append("</div>").ToString();
    }
}

/// <summary>A wrong answer.</summary>
/// <param name="Image">Position of the image.</param>
/// <param name="Predicted">The name of the predicted class.</param>
/// <param name="Confidence">The share of this class in the votes, above 0, at most 1.</param>
/// <param name="Voters">Positions of the neighbors that voted, the most similar first.</param>
internal sealed record Mistake(int Image, string Predicted, double Confidence, IReadOnlyList<int> Voters);
