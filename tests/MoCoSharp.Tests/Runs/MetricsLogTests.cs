using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class MetricsLogTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void ALogThatIsToldNothingNew_IsNotWrittenAnew()
    {
        var path = Path.Combine(folder, "metrics.jsonl");
        Write(path, 0, 1, 2, 3);
        var before = File.GetLastWriteTimeUtc(path);
        File.SetLastWriteTimeUtc(path, before.AddDays(-1));

        new MetricsLog(path, 3).Dispose();
        Assert.Equal(before.AddDays(-1), File.GetLastWriteTimeUtc(path));

        new MetricsLog(path, 2).Dispose();
        Assert.Equal([1, 2], Steps(path));
    }

    [Theory]
    [InlineData("""{"step":2,"step":3}""")]
    [InlineData("""{"step":2.5}""")]
    [InlineData("""{"step":"2"}""")]
    [InlineData("""{"step":2""")]
    [InlineData("[2]")]
    public void ALineWithoutOneStep_IsSkipped(string line)
    {
        var path = Path.Combine(folder, "metrics.jsonl");
        File.WriteAllText(path, "{\"step\":1}\n" + line + "\n{\"step\":4}\n");

        Assert.Equal([1, 4], Steps(path));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static void Write(string path, long step, params int[] steps)
    {
        using var log = new MetricsLog(path, step);
        foreach (var each in steps)
        {
            log.Write(new JsonObject { ["step"] = each });
        }
    }

    private static IEnumerable<int> Steps(string path) => MetricsLog.Read(path).Select(line => (int)line["step"]!);
}
