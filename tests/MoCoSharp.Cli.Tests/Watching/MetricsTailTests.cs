using MoCoSharp.Cli.Watching;

namespace MoCoSharp.Cli.Tests.Watching;

public sealed class MetricsTailTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;

    private string File => Path.Combine(_folder, "metrics.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Lines_AreReadOnce()
    {
        var tail = new MetricsTail(File);
        Assert.Equal([], Steps(tail)); // the file is not there yet
        Append("{\"step\":1}\n{\"step\":2}\n");

        Assert.Equal([1, 2], Steps(tail));
        Assert.Equal([], Steps(tail));
        Append("{\"step\":3}\n");
        Assert.Equal([3], Steps(tail));
    }

    [Fact]
    public void ATornLine_IsReadWhenItIsWhole()
    {
        var tail = new MetricsTail(File);
        Append("{\"step\":1}\n{\"st");

        Assert.Equal([1], Steps(tail));
        Append("ep\":2}\n");
        Assert.Equal([2], Steps(tail));
    }

    [Fact]
    public void ALineThatIsNoReport_IsPassedOver()
    {
        Append("nonsense\n[1]\n{\"epoch\":1}\n{\"step\":\"x\"}\n{\"step\":4}\n");

        Assert.Equal([4], Steps(new MetricsTail(File)));
    }

    [Fact]
    public void ACursor_ContinuesInAnotherProcess()
    {
        var first = new MetricsTail(File);
        Append("{\"step\":1}\n{\"step\":2}\n");
        Steps(first);
        Append("{\"step\":3}\n");

        var second = new MetricsTail(File);
        Assert.True(second.TrySeek(first.Cursor));
        Assert.Equal([3], Steps(second));
    }

    [Fact]
    public void SeekEnd_PassesWholeLinesOnly()
    {
        Append("{\"step\":1}\n{\"st");
        var tail = new MetricsTail(File);

        tail.SeekEnd();
        Append("ep\":2}\n");

        Assert.Equal([2], Steps(tail));
    }

    [Theory]
    [InlineData("{\"step\":1}\n")] // shorter
    [InlineData("{\"step\":1}\n{\"step\":7}\n")] // as long, with another last line
    [InlineData("{\"step\":1}\n{\"step\":7}\n{\"step\":8}\n")] // longer
    public void AFileOfARunThatRepeatsSteps_IsReadAgain(string replaced)
    {
        var tail = new MetricsTail(File);
        Append("{\"step\":1}\n{\"step\":2}\n");
        Steps(tail);
        var cursor = tail.Cursor;
        System.IO.File.WriteAllText(File, replaced);

        Assert.False(tail.TryRead(out var lines));
        Assert.Empty(lines);
        Assert.Equal(replaced.Count(letter => letter == '\n'), Steps(tail).Count); // from the beginning
        Assert.False(new MetricsTail(File).TrySeek(cursor));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("11")]
    [InlineData("a.b.c")]
    [InlineData("-1.-1.0")]
    [InlineData("11.12.0")] // a line before the beginning
    [InlineData("11.11.0")] // another line
    [InlineData("99999999999999999999.1.0")]
    [InlineData("9000000000000000000.1000000000.0")]
    public void ACursorThatDoesNotFit_StartsFromTheBeginning(string? cursor)
    {
        Append("{\"step\":1}\n");
        var tail = new MetricsTail(File);

        Assert.False(tail.TrySeek(cursor));
        Assert.Equal([1], Steps(tail));
    }

    [Fact]
    public void MoreThanAMegabyte_IsReadInParts()
    {
        const int count = 100_000;
        Append(string.Concat(Enumerable.Range(0, count).Select(step => $"{{\"step\":{step}}}\n")));
        var tail = new MetricsTail(File);

        List<long> steps = [];
        var parts = 0;
        while (Steps(tail) is { Count: > 0 } more)
        {
            steps.AddRange(more);
            parts++;
        }

        Assert.Equal(Enumerable.Range(0, count).Select(step => (long)step), steps);
        Assert.Equal(2, parts);
    }

    private static List<long> Steps(MetricsTail tail)
    {
        Assert.True(tail.TryRead(out var lines));
        return [.. lines.Select(line => (long)line["step"]!)];
    }

    private void Append(string text) => System.IO.File.AppendAllText(File, text);
}
