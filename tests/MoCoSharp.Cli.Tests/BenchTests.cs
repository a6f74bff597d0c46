using System.Text.Json.Nodes;

namespace MoCoSharp.Cli.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void Step_TimesEveryPhase_AndWritesNothing()
    {
        var (code, output, error) = Moco.Run(
            folder,
            ["bench", "step", "--json", "--steps", "1", "--set", .. Moco.Tiny.Split(' '), "precision=bf16"]);

        Assert.True(code == 0, error);
        var result = JsonNode.Parse(output)!;
        Assert.Equal("bf16", (string)result["precision"]!);
        Assert.Equal(
            [
                "views", "copy", "momentum update", "key forward", "query forward", "loss", "backward", "enqueue",
                "optimizer",
            ],
            result["phases"]!.AsObject().Select(phase => phase.Key));
        Assert.All(result["phases"]!.AsObject(), phase => Assert.True((double)phase.Value! > 0, phase.Key));
        Assert.Equal(
            (double)result["stepMilliseconds"]!,
            result["phases"]!.AsObject().Skip(2).Sum(phase => (double)phase.Value!),
            0.1);
        Assert.True(
            (double)result["gigaflops"]! > 0 && (double)result["gemmGigaflops"]! > 0 && (long)result["peakBytes"]! > 0);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Step_WithFaults_ReportsAllOfThem()
    {
        var (code, _, error) = Moco.Run(folder, "bench", "step", "--steps", "0", "--set", "precision=fp16");

        Assert.Equal(2, code);
        Assert.Contains("precision is \"fp16\", expected auto, fp32 or bf16", error);
        Assert.Contains("--steps is 0", error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
