using System.Text.Json.Nodes;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>moco report with several runs.</summary>
public sealed class ComparisonTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AComparison_HasARowForEachRun_WithItsScoresAndSettings()
    {
        Create("a", ["seed=1"], "//8="); // all of 16 queries are right
        Create("<b>", ["seed=2", "epochs=9"], "Bw8="); // 7 of 16

        var comparison = ComparisonBuilder.Create([At("a"), At("<b>")]);

        Assert.Equal(
            "Highest kNN accuracy: a with 100.0 % (80.6 to 100.0). The intervals of the other runs are below its " +
            "interval.",
            comparison.Verdict[0]);
        Assert.Equal(["a", "<b>"], comparison.Runs.Select(run => run.Name));
        Assert.Equal(["100.0 (80.6-100.0)", "43.8 (23.1-66.8)"], comparison.Runs.Select(run => run.Knn));
        Assert.Equal(["62.50 (55.00-70.00)", "-"], comparison.Runs.Select(run => run.Linear));
        Assert.Equal(["12.3", "12.3"], comparison.Runs.Select(run => run.Rank));
        Assert.Equal(["4 s", "4 s"], comparison.Runs.Select(run => run.Time)); // 40 steps of 128 images, 1,280 a second
        Assert.Equal(["seed=2", "epochs=9"], comparison.Runs[1].Differences);
        Assert.Equal(
            ["setting a <b>", "seed 1 2", "epochs 28 9"],
            comparison.Differences!.Rows.Select(row => string.Join(' ', row)));
    }

    [Fact]
    public void Charts_HaveACurveForEachRun_ByEpochs()
    {
        Create("a", [], "Bw8=");
        Create("b", [], "Bw8=");

        var comparison = ComparisonBuilder.Create([At("a"), At("b")]);

        Assert.Equal(
            ["Loss", "Learning rate", "Images per second"], comparison.Charts.Select(chart => chart.Title));
        Assert.All(comparison.Charts, chart => Assert.Equal(["a", "b"], chart.Curves.Select(curve => curve.Name)));
        Assert.Equal("epoch", comparison.StepTitle);
        Assert.Equal(1 / 40.0, comparison.Charts[0].Curves[0].UnitsPerStep);
        Assert.Null(comparison.Differences);
    }

    [Fact]
    public void Charts_LeaveOutWhatHasOnePointInEveryRun()
    {
        var (curve, point) = (new Curve("loss", [1, 2], [3, 2]), new Curve("RankMe, head", [2], [40]));
        Chart[] charts = [new("Loss", [curve]), new(RunCharts.Titles[2], [point])];

        var merged = ComparisonCharts.Merge([("a", charts, 1), ("b", charts, 1)]);
        Assert.Equal(["Loss"], merged.Select(chart => chart.Title));
    }

    [Fact]
    public void RunsWhoseIntervalsOverlap_MayDifferByChance()
    {
        Create("a", [], "Bw8=");
        Create("b", [], "Aw8=");

        Assert.Equal(
            "Highest kNN accuracy: a with 43.8 % (23.1 to 66.8). The interval of b overlaps with it, so the " +
            "difference may be chance.",
            ComparisonBuilder.Create([At("a"), At("b")]).Verdict[0]);
    }

    // 14 of 16 right: 64.0 to 96.5. 9 of 16 right: 33.2 to 76.9, which is below only by its middle.
    [Fact]
    public void AnIntervalThatReachesTheOther_Overlaps_ThoughItsMiddleIsBelow()
    {
        Create("a", [], "/z8=");
        Create("b", [], "/wE=");

        Assert.Equal(
            "Highest kNN accuracy: a with 87.5 % (64.0 to 96.5). The interval of b overlaps with it, so the " +
            "difference may be chance.",
            ComparisonBuilder.Create([At("a"), At("b")]).Verdict[0]);
    }

    [Theory]
    [InlineData("""{"protocol":"p","top1":"high"}""")]
    [InlineData("""{"protocol":5,"top1":0.5}""")]
    [InlineData("""{"protocol":"p","top1":0.5,"step":1.5}""")]
    [InlineData("""{"protocol":"p","top1":0.5,"top1Interval95":["a",null]}""")]
    [InlineData("""{"protocol":"p","top1":0.5,"top5":"</script>"}""")]
    [InlineData("""{"protocol":"p","protocol":"q","top1":0.5}""")]
    [InlineData("""{"protocol":"p","top1":""")]
    public void AnEvaluationThatCannotBeUnderstood_IsSkippedWithAWarning(string text)
    {
        Create("a", [], "Bw8=");
        Create("b", [], "Bw8=");
        File.WriteAllText(At("a/evaluations/broken.json"), text);

        foreach (var verb in new[] { "report", "compare" })
        {
            var (code, output, error) = Moco.Run(_folder, verb, "a", "b");
            Assert.True(code == 0, error + output);
            Assert.Contains("broken.json is not an evaluation report with protocol and top1; skipped", error);
        }
    }

    [Fact]
    public void BaselinesThatCannotBeRead_AreWarnedAbout()
    {
        Create("a", [], "//8=");
        Create("b", [], "Bw8=");
        File.WriteAllText(At("a/baselines.json"), "{");

        var (code, _, error) = Moco.Run(_folder, "report", "a", "b");

        Assert.Equal(0, code);
        Assert.Contains("baselines.json cannot be read, so the run has no kNN accuracy here.", error);
    }

    [Fact]
    public void RunsOfTheSameFolderName_AreNamedByTheirPaths()
    {
        Create(Path.Combine("x", "run"), [], "Bw8=");
        Create(Path.Combine("y", "run"), [], "Bw8=");

        Assert.Equal(
            [At("x/run"), At("y/run")],
            ComparisonBuilder.Create([At("x/run"), At("y/run")]).Runs.Select(run => run.Name));
    }

    [Fact]
    public void NamesOfRuns_AreTextEverywhere()
    {
        Create("<script>alert(1)<", ["data=<i>photos"], "Bw8=");
        Create("two\nlines", [], "Bw8=");

        var page = ComparisonPage.Create(ComparisonBuilder.Create([At("<script>alert(1)<"), At("two\nlines")]));

        Assert.DoesNotContain("<script>alert", page);
        Assert.DoesNotContain("<i>photos", page);
        Assert.DoesNotContain("two\nlines", page);
        Assert.Contains("&lt;script&gt;alert(1)&lt;", page);
        Assert.InRange(page.Length, 1_000_000, 4_000_000);
    }

    [Fact]
    public void SeveralRuns_WriteOnePage_AndAllFaultsAreToldTogether()
    {
        Create("a", [], "Bw8=");
        Create("b", ["seed=3"], "Bw8=");

        var (code, output, error) = Moco.Run(_folder, "report", "a", "b", "a/");

        Assert.True(code == 0, error);
        Assert.Contains("comparison.html: ", output);
        Assert.Contains("<title>Comparison of 2 runs</title>", File.ReadAllText(At("comparison.html")));

        Directory.CreateDirectory(At("broken"));
        File.WriteAllText(At("broken/config.json"), "{");
        (code, _, error) = Moco.Run(
            _folder, "report", "a", "nowhere", "broken", "--data", "photos", "--images", "5", "--device", "cpu");
        Assert.Equal(2, code);
        Assert.All(
            [
                "nowhere is not a run folder", Path.Combine("broken", "config.json"), "--data chooses images",
                "--images chooses images", "--device computes features", "comparison.html exists",
            ],
            part => Assert.Contains(part, error));
    }

    [Fact]
    public void ThirteenRuns_AreTooMany()
    {
        string[] names = [.. Enumerable.Range(0, 13).Select(i => $"run{i}")];
        foreach (var name in names)
        {
            Create(name, [], "Bw8=");
        }

        var (code, _, error) = Moco.Run(_folder, ["report", .. names]);

        Assert.Equal(2, code);
        Assert.Contains("13 runs are named, expected at most 12.", error);
    }

    [Fact]
    public void Differences_NameNestedSettings_AndThoseOfOneConfigurationAlone()
    {
        var differences = ConfigurationDifferences.Of(
        [
            """{"description":"x","seed":1,"moco":{"queueSize":64},"list":[1,2],"same":null}""",
            """{"description":"y","seed":1,"simClr":{"kind":"a"},"list":[1],"same":null}""",
        ]);

        Assert.Equal(
            ["moco.queueSize: 64 -", "list: [1,2] [1]", "simClr.kind: - a"],
            differences.Select(row => $"{row.Setting}: {string.Join(' ', row.Values)}"));
        Assert.Equal(["moco.queueSize=64", "list=[1,2]"], ConfigurationDifferences.Settings(differences, 0));
    }

    private string At(string name) => Path.Combine(_folder, name);

    // 16 queries, a bit each, in base64: 0x07 0x0f are seven.
    private void Create(string name, string[] settings, string encoder)
    {
        var run = RunFolder.Create(At(name), RunConfig.Load("patterns", set: settings));
        File.WriteAllText(
            run.MetricsPath,
            """
            {"step":20,"epoch":1,"loss":6,"learningRate":0.1,"imagesPerSecond":1280}
            {"step":40,"epoch":1,"loss":5,"learningRate":0.1,"imagesPerSecond":1280}
            {"step":40,"epoch":1,"knn":0.75,"protocol":"kNN k=5","seconds":1}
            {"step":40,"epoch":1,"labelFree":{"pooledRank":12.34,"headRank":5.6,"lidar":null,"images":99},"seconds":1}

            """);
        File.WriteAllText(
            Path.Combine(run.Path, "baselines.json"),
            new JsonObject
            {
                ["protocol"] = "kNN k=5",
                ["step"] = 40,
                ["encoder"] = JsonNode.Parse(
                    $$"""{"name": "encoder", "right": "{{encoder}}", "queries": 16, "leftOut": []}"""),
                ["baselines"] = new JsonArray(),
            }.ToJsonString());
        if (name == "a")
        {
            Directory.CreateDirectory(Path.Combine(run.Path, "evaluations"));
            File.WriteAllText(
                Path.Combine(run.Path, "evaluations", "linear.json"),
                """
                {"evaluation":"linear","protocol":"linear, 90 epochs","step":40,
                 "top1":0.625,"top1Interval95":[0.55,0.7]}
                """);
        }
    }
}
