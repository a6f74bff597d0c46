using MoCoSharp.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>What moco compare and moco doctor say of a run's worth.</summary>
public sealed class WorthTests : IDisposable
{
    private const string Line =
        """{"step":40,"epoch":1,"knn":0.75,"protocol":"kNN k=5","seconds":1}""" + "\n" +
        """
        {"step":40,"epoch":1,"labelFree":{"pooledRank":12.34,"headRank":5.6,"lidar":null,"images":99},"seconds":1}
        """ + "\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Compare_ShowsRunsBesideTheirBaselines()
    {
        Create("good", "AwA=", "Bw8="); // the encoder has 7 of 16 right, and the pixels 2
        var worth = RunWorth.Read(RunFolder.Open(Path.Combine(_folder, "good")))!;

        Assert.Equal(
            [
                "",
                "monitor: kNN k=5",
                "  run   step        kNN (95 %)  raw pixels  rank pooled  rank head  verdict",
                "  good    40  43.8 (23.1-66.8)        12.5         12.3        5.6  better than all baselines",
            ],
            WorthTable.Lines([("good", worth)]));
        var (code, output, error) = Moco.Run(_folder, "compare", "good");
        Assert.True(code == 0, error);
        Assert.Contains("better than all baselines", output);
    }

    [Fact]
    public void Doctor_RepeatsTheConclusion()
    {
        Create("equal", "Aw8=", "Bw8=");

        var (_, output, _) = Moco.Run(_folder, "doctor", "equal");

        Assert.Contains("not worth it yet: kNN 43.8 % (23.1 to 66.8) is no better than raw pixels 37.5", output);
    }

    // 16 queries, a bit each, in base64: 0x03 0x00 are the queries 0 and 1; 0x07 0x0f are seven.
    private void Create(string name, string pixels, string encoder)
    {
        var run = RunFolder.Create(Path.Combine(_folder, name), RunConfig.Load("patterns"));
        File.WriteAllText(run.MetricsPath, Line);
        File.WriteAllText(
            Path.Combine(run.Path, "baselines.json"),
            $$"""
            {"protocol": "kNN k=5", "step": 40,
             "encoder": {"name": "encoder", "right": "{{encoder}}", "queries": 16, "leftOut": []},
             "baselines": [{"name": "raw pixels", "right": "{{pixels}}", "queries": 16, "leftOut": []}]}
            """);
    }
}
