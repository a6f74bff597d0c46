namespace MoCoSharp.Report.Html;

/// <summary>The scripts and styles that this assembly carries for its pages.</summary>
internal static class PageAssets
{
    /// <summary>plotly.js, which draws charts: a script that defines the object Plotly.</summary>
    /// <remarks>
    /// MIT license; the notice is the first comment of the script. Inside a string, <c>&lt;\/script</c> means the same
    /// as <c>&lt;/script</c>, which would end the script.
    /// </remarks>
    public static string Plotly => Read("plotly.js")
        .Replace("</script", "<\\/script", StringComparison.OrdinalIgnoreCase)
        .Replace("<!--", "<\\!--", StringComparison.Ordinal);

    /// <summary>The text of an asset.</summary>
    /// <param name="name">Its file name in the folder Assets.</param>
    /// <exception cref="InvalidOperationException">There is no such asset.</exception>
    public static string Read(string name)
    {
        using var stream = typeof(PageAssets).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"MoCoSharp.Report has no asset {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
