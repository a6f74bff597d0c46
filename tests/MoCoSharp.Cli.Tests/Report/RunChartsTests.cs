using System.Text.Json.Nodes;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Report;

public sealed class RunChartsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ALossOfMoCo_HasItsTwoExpectedLines()
    {
        var charts = RunCharts.From(
            RunConfig.Load("patterns"),
            [
                Line("""{"step":1,"epoch":1,"loss":7,"health":{"lossIfUninformed":6.93,"lossIfRandom":5.5}}"""),
                Line("""{"step":20,"epoch":1,"loss":6.5,"learningRate":0.1}"""),
            ],
            worth: null);

        Assert.Equal(["Loss", "Learning rate"], charts.Select(chart => chart.Title)); // others have no line
        Assert.Equal(
            ["loss", "no information: ln(1 + K)", "random negatives"], charts[0].Curves.Select(curve => curve.Name));
        Assert.Equal([1L, 20L], charts[0].Curves[0].Steps);
        Assert.Equal([7f, 6.5f], charts[0].Curves[0].Values);
        Assert.Equal([6.93f], charts[0].Curves[1].Values);
        Assert.Equal([false, true, true], charts[0].Curves.Select(curve => curve.IsReference));
    }

    [Fact]
    public void ALossOfSimClr_IsComparedWithAChoiceAmongTheOtherViews()
    {
        var charts = RunCharts.From(
            RunConfig.Load("simclr-patterns"), [Line("""{"step":20,"epoch":1,"loss":5.6}""")], worth: null);

        Assert.Equal([5.5412636f, 5.5412636f], charts[0].Curves[1].Values); // ln 255: two views of 128 images
        Assert.Equal([0L, 20L], charts[0].Curves[1].Steps);
    }

    [Fact]
    public void FiguresOfAnotherType_AreLeftOut_AndAHugeBatchHasALine()
    {
        var charts = RunCharts.From(
            RunConfig.Load("simclr-patterns", set: ["batchSize=2147483647"]),
            [
                Line("""{"step":1,"epoch":1,"loss":5,"health":5,"labelFree":"x"}"""),
                Line("""{"step":2,"epoch":1,"loss":4,"health":{"effectiveRank":"high"}}"""),
            ],
            worth: null);

        var chart = Assert.Single(charts);
        Assert.Equal(["loss", "no information: ln(2N - 1)"], chart.Curves.Select(curve => curve.Name));
        Assert.Equal(22.18071f, chart.Curves[1].Values[0], 1e-4f); // ln(2^32 - 3)
    }

    [Fact]
    public void Knn_IsInPercent_BesideItsBaselines_AndWithoutOtherProtocols()
    {
        var run = RunFolder.Create(Path.Combine(_folder, "run"), RunConfig.Load("patterns"));
        // 16 queries, a bit each: the encoder has 7 right, and the pixels 2.
        File.WriteAllText(
            Path.Combine(run.Path, "baselines.json"),
            """
            {"protocol": "kNN k=5", "step": 40,
             "encoder": {"name": "encoder", "right": "Bw8=", "queries": 16, "leftOut": []},
             "baselines": [{"name": "raw pixels", "right": "AwA=", "queries": 16, "leftOut": []}]}
            """);
        JsonObject[] metrics =
        [
            Line("""{"step":0,"epoch":0,"knn":0.25,"protocol":"kNN k=5"}"""),
            Line("""{"step":39,"epoch":1,"knn":0.9,"protocol":"kNN k=200"}"""),
            Line("""{"step":78,"epoch":2,"knn":0.4375,"protocol":"kNN k=5"}"""),
        ];

        var chart = Assert.Single(RunCharts.From(run.ReadConfig(), metrics, RunWorth.Read(run)));

        Assert.Equal(["kNN of the encoder", "raw pixels 12.5"], chart.Curves.Select(curve => curve.Name));
        Assert.Equal([0L, 78L], chart.Curves[0].Steps);
        Assert.Equal([25f, 43.75f], chart.Curves[0].Values);
        Assert.Equal([12.5f, 12.5f], chart.Curves[1].Values);
        Assert.Equal(39, RunCharts.StepsPerEpoch(metrics));
    }

    [Fact]
    public void ALongRun_ShowsEveryNthPoint_AndTheLast()
    {
        var chart = RunCharts.From(
            RunConfig.Load("patterns"),
            [.. Enumerable.Range(1, 2500).Select(step => Line($$"""{"step":{{step}},"epoch":1,"loss":1}"""))],
            worth: null)[0];

        Assert.Equal([1L, 4L, 7L], chart.Curves[0].Steps.Take(3)); // 2,500 points in at most 1,000: every third
        Assert.Equal(2500, chart.Curves[0].Steps[^1]);
        Assert.Equal(834, chart.Curves[0].Steps.Count);
    }

    private static JsonObject Line(string text) => JsonNode.Parse(text)!.AsObject();
}
