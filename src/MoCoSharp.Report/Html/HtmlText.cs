using System.Globalization;
using System.Net;
using System.Text;

namespace MoCoSharp.Report.Html;

/// <summary>Text from outside, made safe to show in a page.</summary>
internal static class HtmlText
{
    /// <summary>Text for an element or a quoted attribute: markup shows as text.</summary>
    /// <param name="text">Any text.</param>
    public static string Escape(string text) => WebUtility.HtmlEncode(Visible(text));

    /// <summary>A sentence of this program, in which `backticks` mark commands. Markup in it shows as text.</summary>
    /// <param name="sentence">Any text. A last backtick without a partner stays.</param>
    public static string Sentence(string sentence)
    {
        var parts = Escape(sentence).Split('`');
        var markup = new StringBuilder(parts[0]);
        for (var i = 1; i < parts.Length; i++)
        {
            markup.Append(i % 2 == 0 ? parts[i]
                : i < parts.Length - 1 ? $"<code>{parts[i]}</code>"
                : $"`{parts[i]}");
        }

        return markup.ToString();
    }

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
}
