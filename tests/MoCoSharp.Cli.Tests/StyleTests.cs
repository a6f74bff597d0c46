namespace MoCoSharp.Cli.Tests;

/// <summary>Rules of style that no analyzer checks.</summary>
public sealed class StyleTests
{
    private const int Columns = 120;

    [Fact]
    public void NoLineOfCode_IsWiderThan120Columns()
    {
        var wide = DocumentationTests.SourceFiles("src", "tests", "bench", "samples")
            .Where(file => Path.GetExtension(file) == ".cs")
            .SelectMany(file => File.ReadLines(file).Select((line, i) => (File: file, Line: i + 1, line.Length)))
            .Where(item => item.Length > Columns)
            .Select(item => $"{Path.GetRelativePath(DocumentationTests.Root(), item.File)}:{item.Line}: {item.Length}");

        Assert.Empty(wide);
    }

    /// <summary>On some processors, .NET cannot make this exception (docs/decisions/033).</summary>
    [Fact]
    public void NoCode_WaitsForANullReferenceException()
    {
        const string name = "NullReferenceException";
        var waiting = DocumentationTests.SourceFiles("src")
            .Where(file => Path.GetExtension(file) == ".cs")
            .SelectMany(file => File.ReadLines(file).Select((line, i) => (File: file, Line: i + 1, Text: line)))
            .Where(item => item.Text.Contains(name) && !item.Text.TrimStart().StartsWith("///"))
            .Select(item => $"{Path.GetRelativePath(DocumentationTests.Root(), item.File)}:{item.Line}");

        Assert.Empty(waiting);
    }
}
