using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Report.Html;

/// <summary>
/// A page in one file: it loads nothing, from the network or from the disk, and also works from file://.
/// </summary>
/// <remarks>
/// Its Content-Security-Policy allows only the scripts that were added here, by their SHA-256, and images inside the
/// page. A name that escaped as markup would still run nothing.
/// </remarks>
/// <param name="title">Shown in the browser's tab, and as the heading.</param>
internal sealed class HtmlPage(string title)
{
    private readonly StringBuilder _body = new();
    private readonly List<string> _styles = [PageAssets.Read("page.css")];
    private readonly List<string> _scripts = [];

    /// <summary>Whether scripts of the page may connect to the server that the page came from.</summary>
    public bool ConnectsToItsServer { get; init; }

    /// <summary>Appends markup. Text from outside in it must have passed <see cref="HtmlText"/>.</summary>
    /// <param name="markup">Complete elements.</param>
    public void Add(string markup) => _body.Append(markup).Append('\n');

    /// <summary>Adds rules after those of every page.</summary>
    /// <param name="css">Without a reference to another file.</param>
    public void AddStyle(string css) => _styles.Add(css);

    /// <summary>Adds a script to the end of the page.</summary>
    /// <param name="script">Must not contain <c>&lt;/script</c>: JSON in it escapes the sign &lt; as \u003c.</param>
    /// <exception cref="ArgumentException">It contains the end of a script.</exception>
    public void AddScript(string script)
    {
        if (script.Contains("</script", StringComparison.OrdinalIgnoreCase)
            || script.Contains("<!--", StringComparison.Ordinal))
        {
            throw new ArgumentException("A script holds </script or <!--, which would end it. Escape < as \\u003c.");
        }

        _scripts.Add(script);
    }

    /// <summary>The whole page.</summary>
    public override string ToString()
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.Append($"<meta http-equiv=\"Content-Security-Policy\" content=\"{Policy}\">\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width\">\n");
        page.Append("<link rel=\"icon\" href=\"data:,\">\n"); // browsers would ask the server for one
        page.Append($"<title>{HtmlText.Escape(title)}</title>\n");
        foreach (var style in _styles)
        {
            page.Append($"<style>\n{style}\n</style>\n");
        }

        page.Append($"</head>\n<body>\n<h1>{HtmlText.Escape(title)}</h1>\n").Append(_body);
        foreach (var script in _scripts)
        {
            page.Append($"<script>{script}</script>\n");
        }

        return page.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>The Content-Security-Policy of the page, for a server's header too.</summary>
    public string Policy =>
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        + (ConnectsToItsServer ? "connect-src 'self'; " : "") + "script-src "
        + (_scripts.Count == 0 ? "'none'" : string.Join(' ', _scripts.Select(script =>
            $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script)))}'")));
}
