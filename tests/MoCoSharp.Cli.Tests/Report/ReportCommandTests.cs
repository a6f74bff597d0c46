using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>moco report, as a person uses it after a run.</summary>
public sealed partial class ReportCommandTests : IDisposable
{
    private static readonly string[] Settings = [.. Moco.Tiny.Split(' '), "checkpoints.everyEpochs=1"];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public ReportCommandTests()
    {
        foreach (var (part, count, seed) in new[] { ("train", 40, 5), ("val", 20, 6) })
        {
            var images = new Patterns(count, 40, seed);
            for (var i = 0; i < count; i++)
            {
                var file = Path.Combine(folder, "photos", part, images.ClassNames[images.LabelOf(i)], $"<b>\n{i}.png");
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
            }
        }

        var (code, _, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--data", "photos", "--run", "run", "--set", .. Settings]);
        Assert.True(code == 0, error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AReport_ShowsTheSameQueries_BeforeTrainingAndAtEachCheckpoint()
    {
        Assert.Equal(0, Moco.Run(folder, "knn", "run", "-k", "5").ExitCode);

        var (code, output, error) = Moco.Run(folder, "report", "run");

        Assert.True(code == 0, error);
        Assert.Contains(Path.Combine("run", "report.html") + ": ", output);
        var page = File.ReadAllText(Path.Combine(folder, "run", "report.html"));
        Assert.InRange(page.Length, 1_000_000, 4_000_000);
        Assert.Contains("\\u003Cb\\u003E\\\\u000a", page); // <b>, and the line break as \u000a
        Assert.DoesNotContain("<b>\n", page);
        var data = Data(page);
        var stages = data["neighbors"]!["stages"]!.AsArray();
        Assert.Equal(
            ["before training", "after 1 epoch (step 5)", "after 2 epochs (step 10)"],
            stages.Select(stage => (string)stage!["title"]!));
        var queries = stages.Select(stage => string.Join(
            ' ', stage!["rows"]!.AsArray().Select(row => (int)row!["query"]!))).ToList();
        Assert.Equal(8, queries[0].Split(' ').Length);
        Assert.Single(queries.Distinct());
        Assert.Equal(stages.Count, data["map"]!["stages"]!.AsArray().Count);
        Assert.All(
            data["map"]!["stages"]!.AsArray(),
            stage => Assert.Equal(20, stage!["x"]!.AsArray().Count)); // the test images
        Assert.Equal(4, page.Split("<b>cluster ").Length - 1); // five images each, at least
        Assert.Equal(
            [0, 1, 2, 3], data["map"]!["clusters"]!.AsArray().Select(number => (int)number!).Distinct().Order());
        Assert.Matches(@"\d+ of 20 get their label \(\d+\.\d %\)", page);
        Assert.Contains("moco duplicates run --part val</code> compares all of them", page);
        Assert.Equal(100, page.Split("style=\"--share: ").Length - 1); // ten classes by ten predictions
        Assert.Equal(
            ["Loss", "kNN accuracy, %"], data["charts"]!.AsArray().Select(chart => (string)chart!["title"]!).Take(2));
        Assert.Contains("moco pretrain patterns --data photos", page);
    }

    [Fact]
    public void WithoutItsImages_AReportHasTheOtherParts_AndSaysWhy()
    {
        Directory.Delete(Path.Combine(folder, "photos"), recursive: true);

        var (code, _, error) = Moco.Run(folder, "report", "run", "-o", "page.html");

        Assert.True(code == 0, error);
        var page = File.ReadAllText(Path.Combine(folder, "page.html"));
        Assert.Contains("left-out\">Nearest neighbors: photos: there is no such folder or file.", page);
        Assert.Contains("name them with --data.", page);
        Assert.Contains("<p class=\"quiet left-out\">Map: ", page);
        Assert.Contains("<h2 id=\"curves-title\">", page);
        Assert.Contains("moco: note: neighbors: photos: ", error);
        Assert.Null(Data(page)["neighbors"]);
    }

    [Fact]
    public void WrongOptions_AreRefusedTogether_BeforeAnyWork()
    {
        var (code, _, error) = Moco.Run(
            folder, "report", "nowhere", "--images", "100001", "--device", "tpu", "-o", "page.pdf");

        Assert.Equal(2, code);
        Assert.All(
            [
                "nowhere is not a run folder", "--images is 100001, expected 1 to 100000",
                "device is \"tpu\"", "-o is page.pdf, expected",
            ],
            part => Assert.Contains(part, error));

        File.WriteAllText(Path.Combine(folder, "page.html"), "mine");
        (code, _, error) = Moco.Run(folder, "report", "run", "-o", "page.html");
        Assert.Equal(2, code);
        Assert.Contains("page.html exists", error);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(folder, "page.html")));
    }

    private static JsonObject Data(string page) =>
        JsonNode.Parse(Script().Match(page).Groups["data"].Value)!.AsObject();

    [GeneratedRegex(
        "<script>window.reportData = (?<data>.*);</script>", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Script();
}
