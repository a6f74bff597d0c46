namespace MoCoSharp.Data.Datasets;

/// <summary>A note or a warning about a data set that is used nevertheless: skipped files, or odd structure.</summary>
/// <param name="Text">A sentence that names the set and the subject.</param>
/// <param name="IsWarning">Whether results may differ from what is expected. Otherwise it is information.</param>
public readonly record struct DataNotice(string Text, bool IsWarning = false)
{
    private const int Named = 3;

    /// <summary>The notice as the program prints it: "note: ..." or "warning: ...".</summary>
    public override string ToString() => $"{(IsWarning ? "warning" : "note")}: {Text}";

    /// <summary>The first names of many, with "..." if more follow.</summary>
    internal static string Some(IReadOnlyCollection<string> names, int most = Named) =>
        string.Join(", ", names.Take(most)) + (names.Count > most ? ", ..." : "");

    /// <summary>A number with its noun: "1 file", "2 files".</summary>
    internal static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
