namespace MoCoSharp.Data.Datasets;

/// <summary>
/// What a person should know of a set of images that is used all the same: what was passed over, or looks wrong.
/// </summary>
/// <param name="Text">A sentence that names the set and what it is about.</param>
/// <param name="IsWarning">Whether results may be other than expected; else it is for information.</param>
public readonly record struct DataNotice(string Text, bool IsWarning = false)
{
    private const int Named = 3;

    /// <summary>The notice as the program prints it: "note: ..." or "warning: ...".</summary>
    public override string ToString() => $"{(IsWarning ? "warning" : "note")}: {Text}";

    /// <summary>The first few of many names, with "..." where more are left.</summary>
    internal static string Some(IReadOnlyCollection<string> names, int most = Named) =>
        string.Join(", ", names.Take(most)) + (names.Count > most ? ", ..." : "");

    /// <summary>A number with its noun: "1 file", "2 files".</summary>
    internal static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
