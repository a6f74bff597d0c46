using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Encoders;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco linear, finetune, embed and compare, as a person uses them.</summary>
public sealed class EvaluationTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public EvaluationTests()
    {
        foreach (var (part, count, seed) in new[] { ("train", 40, 5), ("val", 20, 6) })
        {
            var images = new Patterns(count, 40, seed);
            for (var i = 0; i < count; i++)
            {
                var file = Path.Combine(folder, "photos", part, images.ClassNames[images.LabelOf(i)], $"{i:D2}.png");
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
            }
        }

        File.WriteAllText(Path.Combine(folder, "photos", "train", "rays", "broken.png"), "no image");
        var (code, _, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--data", "photos", "--run", "run", "--set", .. Moco.Tiny.Split(' '),
                "knn.neighbours=200", "--steps", "2",
            ]);
        Assert.True(code == 0, error);
    }

    [Fact]
    public void EveryEvaluation_IsStoredWithItsProtocol_AndComparedOnlyWithinIt()
    {
        var (code, output, error) = Moco.Run(folder, "linear", "run", "--epochs", "3", "--lr", "0.5");
        Assert.True(code == 0, error);
        Assert.Contains("epoch 3/3", output);
        Assert.Contains("chosen on the test images", output);
        Assert.Contains("broken.png", error);
        Assert.Single(error.Split('\n'), line => line.Contains("broken.png")); // named once, though met in every epoch

        (code, output, error) = Moco.Run(folder, "linear", "run", "--fast", "--epochs", "3");
        Assert.True(code == 0, error);
        Assert.Contains("not the official protocol", output);
        Assert.DoesNotContain("using the stored features", output);
        var (_, again, _) = Moco.Run(folder, "linear", "run", "--fast", "--epochs", "3");
        // training and test images
        Assert.Equal(2, again.Split('\n').Count(line => line.Contains("using the stored features")));
        Assert.Equal(
            output.Split('\n').First(line => line.StartsWith("top-1")),
            again.Split('\n').First(line => line.StartsWith("top-1")));

        (code, _, error) = Moco.Run(folder, "finetune", "run", "--labels", "50%", "--epochs", "1", "--batch", "8");
        Assert.True(code == 0, error);

        var evaluations = Path.Combine(folder, "run", "evaluations");
        var reports = Directory
            .GetFiles(evaluations, "*.json")
            .Select(path => JsonNode.Parse(File.ReadAllText(path))!)
            .ToList();
        Assert.Equal(
            ["finetune", "linear", "linear-cached"],
            reports.Select(report => (string)report["evaluation"]!).Order());
        Assert.All(reports, report => Assert.Equal(20, (long)report["images"]!));
        Assert.Equal(3, Directory.GetFiles(evaluations, "*.png").Length);
        // half of each class
        Assert.InRange(File.ReadAllLines(Directory.GetFiles(evaluations, "*.labels.txt").Single()).Length, 15, 25);

        (code, output, error) = Moco.Run(folder, "knn", "run");
        Assert.True(code == 0, error);
        Assert.Contains("kNN, own: k 40, T 0.1", output); // as many as the bank has, without the broken one

        (code, output, _) = Moco.Run(folder, "compare", "run");
        Assert.Equal(0, code);
        Assert.Contains("4 protocols", output);
    }

    [Fact]
    public void Size_IsThatOfTheImages_AndTheClassifierKeepsIt()
    {
        foreach (var (file, size) in new[] { ("own", null), ("same", "32"), ("other", "48") })
        {
            var (done, said, failed) = Moco.Run(
                folder,
                ["embed", "run", "-o", $"{file}.csv", .. size is null ? Array.Empty<string>() : ["--size", size]]);
            Assert.True(done == 0, failed);
            Assert.Contains($"evaluation view at {size ?? "32"} px", said);
        }

        var own = File.ReadAllText(Path.Combine(folder, "own.csv"));
        Assert.Equal(own, File.ReadAllText(Path.Combine(folder, "same.csv")));
        Assert.NotEqual(own, File.ReadAllText(Path.Combine(folder, "other.csv")));

        var (code, output, error) = Moco.Run(folder, "linear", "run", "--fast", "--epochs", "3", "--size", "48");
        Assert.True(code == 0, error);
        Assert.Contains("evaluation view at 48 px", output);
        var classifier = Directory.GetFiles(Path.Combine(folder, "run", "classifiers")).Single();
        using (var kept = TrainedEncoder.Load(classifier))
        {
            Assert.Equal(48, kept.Views.Size);
        }

        var report = JsonNode.Parse(
            File.ReadAllText(Directory.GetFiles(Path.Combine(folder, "run", "evaluations"), "linear*.json").Single()))!;
        (code, _, error) = Moco.Run(
            folder, "predict", classifier, "--data", "photos", "--part", "val", "-o", "predicted.csv");
        Assert.True(code == 0, error);
        var right = File.ReadAllLines(Path.Combine(folder, "predicted.csv"))[1..]
            .Count(line => line.Split('/')[0] == line.Split(',')[1]); // the folder is the class
        Assert.Equal((double)report["top1"]! * 20, right, 1e-9);
    }

    [Fact]
    public void AnInterruptedEvaluation_ContinuesAfterTheLastCompleteEpoch()
    {
        var (code, whole, error) = Moco.Run(folder, "linear", "run", "--epochs", "2", "--lr", "0.5");
        Assert.True(code == 0, error);
        var (_, again, _) = Moco.Run(folder, "linear", "run", "--epochs", "2", "--lr", "0.5");

        Assert.Contains("epoch 2/2", whole);
        Assert.DoesNotContain("epoch 2/2", again); // nothing was left to do
        Assert.Equal(
            whole.Split('\n').First(line => line.StartsWith("top-1")),
            again.Split('\n').First(line => line.StartsWith("top-1")));
    }

    [Fact]
    public void ALearningRateThatIsTooHigh_IsReported_WithTheCure()
    {
        var (code, _, error) = Moco.Run(folder, "linear", "run", "--epochs", "2", "--lr", "1000");
        Assert.True(code == 0, error);
        Assert.Contains("The learning rate is too high for these features. Try --lr 100.", error);
        var report = JsonNode.Parse(
            File.ReadAllText(Directory.GetFiles(Path.Combine(folder, "run", "evaluations"), "linear*.json").Single())
        )!;
        Assert.Contains("a classifier at chance", (string)report["warning"]!);
    }

    [Theory]
    [InlineData("features.npy", 128 + (40 * 32 * 4))]
    [InlineData("features.csv", null)]
    public void Features_AreWrittenWithNamesAndLabels(string file, int? size)
    {
        var (code, output, error) = Moco.Run(folder, "embed", "run", "-o", file);

        Assert.True(code == 0, error);
        Assert.Contains("40 x 32", output);
        Assert.Contains("1 image that could not be read is left out", output);
        var lines = File.ReadAllLines(Path.Combine(folder, "features.csv"));
        Assert.Equal(41, lines.Length);
        Assert.StartsWith("name,label,class", lines[0]);
        // the folder is the class
        Assert.All(lines[1..], line => Assert.Equal(line.Split(',')[0].Split('/')[0], line.Split(',')[2]));
        if (size is { } expected)
        {
            Assert.Equal(expected, new FileInfo(Path.Combine(folder, file)).Length);
        }
    }

    [Fact]
    public void ParquetFeatures_AreReadByApachesReader_EqualToThoseOfTheCsv()
    {
        Assert.Equal(0, Moco.Run(folder, "embed", "run", "-o", "features.csv").ExitCode);
        var (code, _, error) = Moco.Run(folder, "embed", "run", "-o", "features.parquet");
        Assert.True(code == 0, error);

        using var file = new ParquetSharp.ParquetFileReader(Path.Combine(folder, "features.parquet"));
        using var rows = file.RowGroup(0);
        using var names = rows.Column(0).LogicalReader<string>();
        using var labels = rows.Column(1).LogicalReader<int>();
        using var classes = rows.Column(2).LogicalReader<string>();
        using var features = rows.Column(3).LogicalReader<float[]>();
        var read = names.ReadAll(40).Zip(labels.ReadAll(40), classes.ReadAll(40)).Zip(
            features.ReadAll(40),
            (row, values) =>
                string.Join(
                    ',',
                    [
                        row.First, row.Second, row.Third,
                        .. values.Select(value => value.ToString("R", CultureInfo.InvariantCulture)),
                    ]));

        Assert.Equal((1, 40), (file.FileMetaData.NumRowGroups, (int)file.FileMetaData.NumRows));
        Assert.Equal(File.ReadAllLines(Path.Combine(folder, "features.csv"))[1..], read);
    }

    [Fact]
    public void WrongOptions_AreRefusedTogether_BeforeAnyWork()
    {
        var (code, _, error) = Moco.Run(
            folder, "linear", "nowhere", "--lr", "-1", "--epochs", "0", "--encoder", "middle");
        Assert.Equal(2, code);
        Assert.All(
            ["nowhere", "learning rate is -1", "epochs is 0", "--encoder is middle"],
            part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(folder, "finetune", "run", "--labels", "0%", "--head-lr", "0", "--data", "absent");
        Assert.Equal(2, code);
        Assert.All(["--labels is 0%", "head learning rate is 0", "absent"], part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(
            folder, "knn", "run", "--protocol", "best", "--layer", "middle", "--size", "5000");
        Assert.Equal(2, code);
        Assert.All(
            [
                "--protocol is best", "--protocol sets", "--layer is middle, expected pooled or head",
                "--size is 5000, expected 1 to 4096 pixels",
            ],
            part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(folder, "knn", "run", "--protocol", "demo");
        Assert.Equal(2, code);
        Assert.Contains("k is 200, expected at most the 41 images of the bank", error);

        (code, _, error) = Moco.Run(folder, "embed", "run", "-o", "x.txt", "--layer", "middle");
        Assert.Equal(2, code);
        Assert.All(["x.txt", "--layer is middle"], part => Assert.Contains(part, error));
        Assert.Empty(Directory.GetFiles(folder, "*unfinished*"));

        (code, _, error) = Moco.Run(folder, "compare", "run", "nowhere");
        Assert.Equal(2, code);
        Assert.Contains("nowhere", error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
