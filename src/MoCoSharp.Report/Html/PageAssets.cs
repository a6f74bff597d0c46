namespace MoCoSharp.Report.Html;

/// <summary>The scripts and styles that this assembly carries for its pages.</summary>
internal static class PageAssets
{
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
