using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace MoCoSharp.Cli.Tests;

/// <summary>The pages for readers: README.md and its like, docs/, and the packages' readme.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] CodeFolders = ["src", "recipes", "eng", "samples", "tests"];

    public static TheoryData<string> AllPages => [.. Pages()];

    public static TheoryData<string> WrittenPages =>
        [.. Pages().Where(page => page != "docs/reference/configuration.md")];

    /// <summary>Each block of C# is compiled: it stands, line for line, in a file of samples/ or tests/.</summary>
    [Fact]
    public void EveryBlockOfCSharp_IsCompiledSomewhere()
    {
        var blocks = Pages()
            .SelectMany(page => Blocks(page, "csharp").Select(block => (Page: page, Code: block)))
            .ToList();
        var sources = SourceFiles("samples", "tests").Select(file => Lines(File.ReadLines(file))).ToList();

        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(
            sources.Any(source => Contains(source, Lines(block.Code))),
            $"{block.Page}: this C# is in no source file of samples/ or tests/:\n{string.Join('\n', block.Code)}"));
    }

    [Theory]
    [MemberData(nameof(AllPages))]
    public void EveryRelativeLink_LeadsToAFileAndAHeading(string page)
    {
        foreach (var match in Prose(page).SelectMany(line => Link().Matches(line)))
        {
            var link = match.Groups["target"].Value;
            if (link.Contains("://", StringComparison.Ordinal))
            {
                continue;
            }

            var (file, anchor) = (link.Split('#')[0], link.Split('#').ElementAtOrDefault(1));
            var target = Path.GetFullPath(Path.Combine(Root(), Path.GetDirectoryName(page)!, file));
            target = file.Length == 0 ? Path.Combine(Root(), page) : target;
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{page}: the link {link} leads to no file.");
            Assert.True(
                anchor is null || Prose(target).Where(line => line.StartsWith('#')).Select(Anchor).Contains(anchor),
                $"{page}: the link {link} leads to no heading.");
        }
    }

    /// <summary>A changed sentence is one line of a diff. Tables, code and headings are left out.</summary>
    [Theory]
    [MemberData(nameof(WrittenPages))]
    public void EveryLineOfProse_HoldsOneSentence_OfAtMost170Columns(string page)
    {
        foreach (var line in Prose(page).Where(IsSentence))
        {
            var plain = LeadIn().Replace(Code().Replace(LinkTarget().Replace(line, "]"), "code"), "");
            Assert.False(SentenceEnd().IsMatch(plain), $"{page}: expected one sentence a line: {line}");
            Assert.True(
                plain.Length <= 170,
                $"{page}: {plain.Length} columns without links and code, expected at most 170: {line}");
        }
    }

    /// <summary>A message or comment may name a page as docs/how-to/resume.md.</summary>
    [Fact]
    public void EveryPageThatTheCodeNames_Exists()
    {
        var names = SourceFiles(CodeFolders)
            .SelectMany(
                file => PageName().Matches(File.ReadAllText(file)), (file, match) => (File: file, Page: match.Value))
            .ToList();

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.True(
            File.Exists(Path.Combine(Root(), name.Page)),
            $"{Path.GetRelativePath(Root(), name.File)}: there is no page {name.Page}."));
    }

    /// <summary>All pages, relative to the root.</summary>
    internal static IEnumerable<string> Pages() => Directory.GetFiles(Root(), "*.md")
        .Concat(Directory.GetFiles(Path.Combine(Root(), "docs"), "*.md", SearchOption.AllDirectories))
        .Append(Path.Combine(Root(), "eng", "package-readme.md"))
        .Select(page => Path.GetRelativePath(Root(), page).Replace('\\', '/'))
        .Order(StringComparer.Ordinal);

    /// <summary>The fenced blocks of a language.</summary>
    internal static IEnumerable<List<string>> Blocks(string page, string language)
    {
        List<string>? block = null;
        foreach (var line in File.ReadLines(Path.Combine(Root(), page)))
        {
            if (block is null)
            {
                block = line.Trim() == "```" + language ? [] : null;
            }
            else if (line.Trim() == "```")
            {
                yield return block;
                block = null;
            }
            else
            {
                block.Add(line);
            }
        }
    }

    /// <summary>The lines outside of fenced blocks.</summary>
    internal static IEnumerable<string> Prose(string page)
    {
        var isCode = false;
        foreach (var line in File.ReadLines(Path.Combine(Root(), page)))
        {
            var isFence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            if (!isCode && !isFence)
            {
                yield return line;
            }
        }
    }

    /// <summary>The folder with the solution.</summary>
    internal static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    /// <summary>The source files in folders of the repository; what a build made is left out.</summary>
    internal static IEnumerable<string> SourceFiles(params string[] folders) => folders
        .SelectMany(folder => Directory.GetFiles(Path.Combine(Root(), folder), "*", SearchOption.AllDirectories))
        .Where(file => Path.GetExtension(file) is ".cs" or ".csproj" or ".json" or ".sh" or ".targets")
        .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));

    private static bool IsSentence(string line) =>
        line.Length > 0 && line[0] is not ('|' or '#') && !line.StartsWith("    ", StringComparison.Ordinal);

    // In order and without a gap, whatever the indentation; directives may stand elsewhere in the file.
    private static bool Contains(List<string> source, List<string> code)
    {
        var (directives, lines) = (code.Where(IsDirective).ToList(), code.Where(line => !IsDirective(line)).ToList());
        return directives.All(source.Contains) && Enumerable.Range(0, Math.Max(0, source.Count - lines.Count + 1))
            .Any(start => source.Skip(start).Take(lines.Count).SequenceEqual(lines));
    }

    private static bool IsDirective(string line) =>
        line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') &&
        !line.Contains('=') && !line.Contains(" var ");

    private static List<string> Lines(IEnumerable<string> text) =>
        [.. text.Select(line => line.Trim()).Where(line => line.Length > 0)];

    // As GitHub makes it: lower case, punctuation left out, blanks as dashes.
    private static string Anchor(string heading)
    {
        var letters = heading.TrimStart('#').Trim().ToLowerInvariant()
            .Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_');
        return string.Concat(letters).Replace(' ', '-');
    }

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Link();

    [GeneratedRegex(@"\]\([^)]*\)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LinkTarget();

    [GeneratedRegex("`[^`]*`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Code();

    // "- ", "1. ", and a question or a title in bold.
    [GeneratedRegex(@"^ *(- |\d+\. )?(\*\*[^*]*\*\*)?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LeadIn();

    [GeneratedRegex(@"[^.\s][.!?][)""*]* +[A-Z*\[(]", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"docs/[a-z0-9/-]+\.md", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex PageName();
}
