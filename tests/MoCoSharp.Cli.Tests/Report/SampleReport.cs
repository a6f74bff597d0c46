using MoCoSharp.Data.Datasets;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>A report with every part, of generated images with names that would harm a careless page.</summary>
internal static class SampleReport
{
    public const int Images = 60;

    public static readonly string[] HostileNames =
    [
        "<script>alert(1)</script>.jpg", "a\"b'.png", "two\nlines.png", "\u202egnp.exe",
        "</script><img src=x onerror=alert(2)>.png", "<!-- .png",
    ];

    public static string NameOf(int index) =>
        index < HostileNames.Length ? HostileNames[index] : $"image {index}.png";

    public static RunReport Create()
    {
        var images = new Patterns(Images, 40, seed: 3);
        var classes = images.ClassNames.Select((name, i) => i == 0 ? "<b>stripes</b>" : name).ToList();
        return new RunReport
        {
            Name = "runs/<mine>",
            Verdict = ["Worth it: kNN 80.0 % is better than raw pixels <50>.", "More epochs may help."],
            Charts =
            [
                new("Loss", [Falling("loss", 5), new("no information", [0, 100], [6, 6]) { IsReference = true }]),
                new("kNN accuracy, %", [new("kNN of the encoder", [0, 50, 100], [20, 60, 80])]),
                new("Learning rate", [Falling("learning rate", 0.1f)]),
            ],
            Neighbors = Neighbors(images, classes),
            Map = new FeaturePlot(
                "placed on a circle",
                [Circle("before training", 11), Circle("after 10 epochs", 7)],
                [.. Enumerable.Range(0, Images).Select(images.LabelOf)], classes,
                [.. Enumerable.Range(0, Images).Select(NameOf)], Sheet(images, Images))
            {
                Clusters = [.. Enumerable.Range(0, Images).Select(i => i % 3)],
                ClusterNames = ["cluster 1: 50 % <b>stripes</b>", "cluster 2", "cluster 3"],
            },
            Clusters = new ClusterList(Images, [new(40, [0, 1, 2], classes[0], 0.5), new(20, [3, 4], null, null)]),
            Duplicates = new ClosePairs(
                ["2 pairs of <60> images.", "`moco duplicates '<run>'` finds all."],
                [new(0, 1, 0.99999f), new(2, 12, 0.97f)]),
            Mistakes = new MistakeList(2, 40, Images, [new(1, classes[0], 0.75, [0, 10])]),
            Pictures = new PictureSheet(
                [.. Enumerable.Range(0, 13).Select(i => new PageImage(NameOf(i), classes[images.LabelOf(i)]))],
                Sheet(images, 13)),
            Views = (Thumbnail.DataUri(images.Read(0).Image, 40), 40),
            Evaluations = new EvaluationList(
                [new EvaluationLine("knn", "kNN, k 5 <x>", 100, 0.75, (0.6, 0.9))],
                new Confusion("Confusion of knn", ["<i>cat", "dog"], [[3, 1], [2, 4]])),
            Health = new HealthList(
                [new HealthProblem("The loss <jumps>.", 40, "evidence", "cause", "cure")], null, ["A note."],
                [("effectiveRank", 12.3, "directions")]),
            Facts = [("command", "moco pretrain --data '<photos>'")],
            Configuration = "{\n  \"data\": \"<photos>\"\n}",
        };
    }

    /// <summary>Two runs with two charts.</summary>
    public static RunComparison Comparison() => new()
    {
        Verdict = ["Highest kNN accuracy: <b>first</b>."],
        Runs =
        [
            new(
                "<b>first</b>", ["seed=0", "data=<photos>"], "80.0 (70.0-90.0)", "-", "12.3", "4 min",
                "better than all baselines"),
            new("second", ["seed=1"], "75.0 (60.0-85.0)", "-", "11.0", "4 min", "better than all baselines"),
        ],
        Charts =
        [
            new("Loss", [Falling("<b>first</b>", 5), Falling("second", 6)]),
            new("Learning rate", [Falling("<b>first</b>", 0.1f), Falling("second", 0.2f)]),
        ],
        Scores = [new("kNN", [["run", "top-1"], ["<b>first</b>", "80.0"], ["second", "75.0"]])],
        Differences = new("", [["setting", "<b>first</b>", "second"], ["seed", "0", "1"]]),
    };

    private static Curve Falling(string name, float from) => new(
        name, [.. Enumerable.Range(0, 11).Select(i => 10L * i)],
        [.. Enumerable.Range(0, 11).Select(i => from * (1 - (i / 20f)))]);

    // Two queries of the classes 0 and 1. Their neighbors are of other classes first, and of their own at last.
    private static NeighborHistory Neighbors(Patterns images, List<string> classes) => new(
        Images,
        [
            .. Enumerable.Range(0, 30).Select(index => new PageImage(
                NameOf(index), classes[images.LabelOf(index)])),
        ],
        [
            new("before training", [new(0, [2, 3], [0.5f, 0.4f]), new(1, [4, 5], [0.5f, 0.4f])]),
            new("after 10 epochs", [new(0, [10, 20], [0.9f, 0.8f]), new(1, [11, 21], [0.9f, 0.8f])]),
        ],
        Sheet(images, 30));

    // The images on a circle; with more turns, neighbors in the data set are farther apart.
    private static PlotStage Circle(string title, int turns) => new(
        title, [.. Enumerable.Range(0, Images).Select(i => MathF.Cos(i * turns * MathF.Tau / Images))],
        [.. Enumerable.Range(0, Images).Select(i => MathF.Sin(i * turns * MathF.Tau / Images))]);

    private static ThumbnailSheet Sheet(Patterns images, int count) => ThumbnailSheet.Create(
        images, [.. Enumerable.Range(0, count)], upright: false, side: 48, mostBytes: 500_000);
}
