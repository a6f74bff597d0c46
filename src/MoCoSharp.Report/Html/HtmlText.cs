using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace MoCoSharp.Report.Html;

/// <summary>Text from outside, made safe to show in a page.</summary>
internal static partial class HtmlText
{
    /// <summary>Text for an element or a quoted attribute: markup shows as text.</summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => WebUtility.HtmlEncode(Visible(text));

    /// <summary>A sentence of the program: what stands between two backticks, such as a command, is code.</summary>
    /// <param name="text">Any text.</param>
    public static string Sentence(string text) => Code().Replace(Escape(text), "<code>${code}</code>");

    /// <summary>
    /// The name of an image or class: escaped, and isolated, so that right-to-left letters do not move what stands
    /// beside it.
    /// </summary>
    /// <param name="name">Any text.</param>
    public static string Name(string name) => $"<bdi>{Escape(name)}</bdi>";

    /// <summary>
    /// Text in which line breaks, control characters and direction marks show as \u000a: they would be invisible, or
    /// move other text. Markup in it is not escaped: a script may set it as text.
    /// </summary>
    /// <param name="text">Any text.</param>
    public static string Visible(string text)
    {
        var visible = new StringBuilder(text.Length);
        foreach (var letter in text)
        {
            if (char.IsControl(letter) || char.GetUnicodeCategory(letter) == UnicodeCategory.Format)
            {
                visible.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");
            }
            else
            {
                visible.Append(letter);
            }
        }

        return visible.ToString();
    }

    [GeneratedRegex("`(?<code>[^`]+)`", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Code();
}
