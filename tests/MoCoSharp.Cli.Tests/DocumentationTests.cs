using System.Runtime.CompilerServices;

namespace MoCoSharp.Cli.Tests;

/// <summary>The C# of README.md and docs/ is code that is compiled: each block stands, line for line, in a source file of samples/ or tests/.</summary>
public sealed class DocumentationTests
{
    [Fact]
    public void EveryBlockOfCSharp_IsCompiledSomewhere()
    {
        var root = Root();
        var pages = Directory.GetFiles(Path.Combine(root, "docs"), "*.md").Append(Path.Combine(root, "README.md"));
        var blocks = pages.SelectMany(page => Blocks(page, "csharp").Select(block => (Page: Path.GetRelativePath(root, page), Code: block))).ToList();
        var sources = new[] { "samples", "tests" }
            .SelectMany(folder => Directory.GetFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
            .Select(file => Lines(File.ReadLines(file)))
            .ToList();

        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(
            sources.Any(source => Holds(source, Lines(block.Code))),
            $"{block.Page}: this C# stands in no source file of samples/ or tests/, where it would be compiled:\n{string.Join('\n', block.Code)}"));
    }

    /// <summary>The fenced blocks of a language.</summary>
    internal static IEnumerable<List<string>> Blocks(string page, string language)
    {
        List<string>? block = null;
        foreach (var line in File.ReadLines(page))
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

    /// <summary>The folder with the solution.</summary>
    internal static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));

    // In order and without a gap, whatever the indentation; directives may stand elsewhere in the file.
    private static bool Holds(List<string> source, List<string> code)
    {
        var (directives, lines) = (code.Where(IsDirective).ToList(), code.Where(line => !IsDirective(line)).ToList());
        return directives.All(source.Contains) &&
            Enumerable.Range(0, Math.Max(0, source.Count - lines.Count + 1)).Any(start => source.Skip(start).Take(lines.Count).SequenceEqual(lines));
    }

    private static bool IsDirective(string line) => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('=') && !line.Contains(" var ");

    private static List<string> Lines(IEnumerable<string> text) => [.. text.Select(line => line.Trim()).Where(line => line.Length > 0)];
}
