using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Commands;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Quality;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Quality;

/// <summary>moco doctor --data: judges a set of images before a training.</summary>
internal static class DataDoctor
{
    private const int Examples = 5;
    private const int ReasonLength = 200;

    /// <summary>Reads every image once, and prints what may matter for training.</summary>
    /// <param name="source">The images.</param>
    /// <param name="part">train or val.</param>
    /// <param name="output">A file for all findings; null for none.</param>
    /// <param name="force">Whether an existing file is replaced.</param>
    /// <returns>The exit code: 1 if there is a problem.</returns>
    public static int Judge(string source, string part, string? output, bool force)
    {
        List<string> faults = [.. OutputFaults.Find(output, FindingFiles.Endings, force)];
        if (part is not ("train" or "val"))
        {
            faults.Add($"--part is {part}, expected train or val.");
        }

        var images = EmbedCommand.Images(source, null, part, faults);
        if (images is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        using var signals = new StopSignals(saves: false);
        var progress = new EvaluationProgress("doctor");
        var facts = ImageSurvey.Read(
            images, done => progress.Show("images read", done, images.Count),
            text => Console.Error.WriteLine($"moco: warning: {text}"), signals.Token);
        var set = new SurveyedSet(source, images, facts);
        var findings = DataFinding.Find(facts, source);
        foreach (var line in Summary(set))
        {
            Console.WriteLine(line);
        }

        foreach (var finding in findings)
        {
            Print(finding, facts.Count);
        }

        Console.WriteLine();
        Console.WriteLine(Verdict(findings));
        if (output is not null)
        {
            FindingFiles.Write(output, set, findings);
            Console.WriteLine($"{output}: {Plain.Count(findings.Count, "finding")}");
        }

        return findings.Any(finding => finding.IsProblem) ? ExitCode.Failed : ExitCode.Done;
    }

    /// <summary>Count, formats and sizes.</summary>
    public static IEnumerable<string> Summary(SurveyedSet set)
    {
        List<ImageFacts> read = [.. set.Facts.Where(image => image.Fault is null)];
        var formats = read
            .CountBy(image => image.Format.Length > 0 ? image.Format : "without a file of their own")
            .OrderByDescending(format => format.Value)
            .Select(format => $"{Plain.Count(format.Value)} {format.Key}");
        yield return $"{Plain.Text(set.Data.Description)}: {Plain.Count(set.Facts.Count, "image")}: " +
            string.Join(", ", formats);
        foreach (var line in SizeTable.Lines(read))
        {
            yield return line;
        }
    }

    /// <summary>"3 images (0.2 %): broken".</summary>
    public static string Sentence(DataFinding finding, int all)
    {
        var share = 100.0 * finding.Images.Count / all;
        var shown = share < 0.1 ? "less than 0.1" : FormattableString.Invariant($"{share:F1}");
        return $"{Plain.Count(finding.Images.Count, "image")} ({shown} %): {finding.Finding}";
    }

    /// <summary>The end of the report.</summary>
    private static string Verdict(IReadOnlyList<DataFinding> findings) =>
        findings.Any(finding => finding.IsProblem) ? "Problems found: see above. Nothing was changed."
        : findings.Count > 0 ? "no problem found; the notes above are worth a look."
        : "no problem found.";

    private static void Print(DataFinding finding, int all)
    {
        Console.WriteLine();
        Console.WriteLine($"{(finding.IsProblem ? "problem" : "note")}: {Sentence(finding, all)}");
        foreach (var (image, detail) in finding.Images.Take(Examples))
        {
            var text = Plain.Text(detail);
            Console.WriteLine(
                $"  {Plain.Text(image.Name)}: {(text.Length > ReasonLength ? text[..ReasonLength] + "..." : text)}");
        }

        if (finding.Images.Count > Examples)
        {
            Console.WriteLine($"  and {Plain.Count(finding.Images.Count - Examples)} more");
        }

        Console.WriteLine($"  cure: {finding.Cure}");
    }
}
