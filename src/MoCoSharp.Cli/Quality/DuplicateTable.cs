using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>Prints the result of moco duplicates.</summary>
internal static class DuplicateTable
{
    private const int MostGroups = 20;
    private const int MostOfGroup = 8;
    private const int MostCommands = 20;

    /// <summary>Prints the summary, the first groups or pairs, and the first commands.</summary>
    public static void Print(DuplicateReport report)
    {
        foreach (var line in Summary(report))
        {
            Console.WriteLine(line);
        }

        var (all, what) = report.Other is null
            ? (report.Groups.Count, "group")
            : (report.Leaks.Count, "pair");
        foreach (var group in report.Groups.Take(MostGroups))
        {
            PrintGroup(group);
        }

        if (report.Leaks.Count > 0)
        {
            Console.WriteLine();
            PrintRows(
            [
                .. report.Leaks.Take(MostGroups).Select(leak => (
                    Plain.Text(leak.Image.Name), $"is {Plain.Text(leak.Other.Name)}",
                    Plain.Kind(leak.Kind, leak.Similarity))),
            ]);
        }

        if (all > MostGroups)
        {
            Console.WriteLine();
            Console.WriteLine($"and {Plain.Count(all - MostGroups, $"more {what}")}; -o FILE writes all of them");
        }
    }

    /// <summary>Prints the commands, or how many a file has.</summary>
    /// <param name="commands">The commands.</param>
    /// <param name="writtenTo">The file with all of them; null prints the first ones.</param>
    public static void Print(RemoveCommands commands, string? writtenTo)
    {
        if (commands.Omitted > 0)
        {
            Console.WriteLine();
            Console.WriteLine(
                $"{Plain.Count(commands.Omitted, "image")} without a command: only a chain of similar images " +
                "connects them with the kept one, they have no file of their own, or they are the kept file under " +
                "another name");
        }

        if (commands.All.Count == 0)
        {
            return;
        }

        Console.WriteLine();
        if (writtenTo is not null)
        {
            Console.WriteLine(
                $"{writtenTo}: {Plain.Count(commands.All.Count, "command")} to remove the repeated images; " +
                "nothing was removed");
            return;
        }

        var shown = commands.Printable.Take(MostCommands).ToList();
        Console.WriteLine($"Nothing was removed. These commands of {commands.ShellName} remove the repeated images:");
        foreach (var command in shown)
        {
            Console.WriteLine($"  {command}");
        }

        if (commands.All.Count > shown.Count)
        {
            Console.WriteLine(
                $"  and {Plain.Count(commands.All.Count - shown.Count)} more; " +
                $"--commands {commands.ScriptName} writes all of them");
        }
    }

    /// <summary>The first lines: how many images repeat another one, and how they were compared.</summary>
    public static IEnumerable<string> Summary(DuplicateReport report)
    {
        yield return Set(report.Set);
        if (report.Other is { } other)
        {
            yield return Set(other);
        }

        yield return report.Comparison is { } by
            ? $"compared: files, pixels, and {by.Layer} features of {Plain.Text(by.Encoder)} (cosine " +
                FormattableString.Invariant($"{by.Threshold:0.0####} or more)")
            : "compared: files and pixels; name a run or an encoder to find similar images too";
        if (report.Repeated.Count == 0)
        {
            yield return report.Other is null ? "no duplicates found" : "no image has a counterpart in the other set";
        }
        else if (report.Other is null)
        {
            var verb = report.Repeated.Count == 1 ? "repeats" : "repeat";
            yield return $"{Plain.Count(report.Repeated.Count, "image")} in " +
                $"{Plain.Count(report.Groups.Count, "group")} {verb} another one: {report.Kinds()}";
        }
        else
        {
            var others = report.Leaks.Select(leak => leak.Other.Index).Distinct().Count();
            yield return $"{Plain.Count(report.Repeated.Count, "image")} of " +
                $"{Plain.Text(report.Set.Data.Description)} and {Plain.Count(others)} of " +
                $"{Plain.Text(report.Other.Data.Description)} have a counterpart in the other set: {report.Kinds()}";
        }
    }

    private static string Set(SurveyedSet set)
    {
        var faults = set.Facts.Count(image => image.Fault is not null);
        return $"{Plain.Text(set.Data.Description)}: {Plain.Count(set.Facts.Count, "image")}" +
            (faults == 0 ? "" : $", of which {Plain.Count(faults)} cannot be read");
    }

    private static void PrintGroup(DuplicateGroup group)
    {
        Console.WriteLine();
        PrintRows(
        [
            ($"keep  {Plain.Text(group.Kept.Name)}", Plain.Size(group.Kept), ""),
            .. group.Others.Take(MostOfGroup).Select(other => (
                $"      {Plain.Text(other.Image.Name)}", Plain.Size(other.Image),
                Plain.Kind(other.Kind, other.Similarity))),
        ]);
        if (group.Others.Count > MostOfGroup)
        {
            Console.WriteLine($"      and {Plain.Count(group.Others.Count - MostOfGroup)} more");
        }
    }

    private static void PrintRows(List<(string First, string Second, string Third)> rows)
    {
        var (first, second) = (rows.Max(row => row.First.Length), rows.Max(row => row.Second.Length));
        foreach (var row in rows)
        {
            Console.WriteLine(
                $"{row.First.PadRight(first)}  {row.Second.PadRight(second)}  {row.Third}".TrimEnd());
        }
    }
}
