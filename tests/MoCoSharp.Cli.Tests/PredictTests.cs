using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli.Tests;

/// <summary>
/// Classifiers that moco linear and finetune leave: predict names classes by them, and export takes them.
/// </summary>
public sealed class PredictTests(PredictTests.Classifiers made) : IClassFixture<PredictTests.Classifiers>
{
    private string Folder => made.Folder;

    [Theory]
    [InlineData("linear")]
    [InlineData("linear-cached")]
    [InlineData("finetune")]
    public void AClassifier_HasTheAccuracyOfItsReport(string kind)
    {
        var classifier = made.Of(kind);
        var (code, output, error) = Moco.Run(
            Folder, "predict", classifier, "--data", "photos", "--part", "val", "-o", $"{kind}.csv");
        Assert.True(code == 0, error);
        Assert.Contains($"{kind}.csv: 20 images, 10 classes", output);

        var lines = File.ReadAllLines(Path.Combine(Folder, $"{kind}.csv"));
        Assert.Equal("name,class,probability", lines[0]);
        var right = lines[1..].Count(line => line.Split('/')[0] == line.Split(',')[1]); // the folder is the class
        Assert.Equal((double)made.Report(kind)["top1"]! * 20, right, 1e-9);
        Assert.All(
            lines[1..],
            line => Assert.InRange(double.Parse(line.Split(',')[2], CultureInfo.InvariantCulture), 0.1, 1));
    }

    [Fact]
    public void SeveralClasses_StartWithTheMostLikely_AndAddUpToOne()
    {
        var classifier = made.Of("linear");
        Assert.Equal(
            0,
            Moco.Run(Folder, "predict", classifier, "--data", "photos/val", "-k", "20", "-o", "all.json").ExitCode);
        Assert.Equal(
            0,
            Moco.Run(Folder, "predict", classifier, "--data", "photos/val", "-k", "2", "-o", "two.csv").ExitCode);
        var (_, printed, _) = Moco.Run(Folder, "predict", classifier, "--data", "photos/val");

        var images = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "all.json")))!.AsArray();
        Assert.Equal(20, images.Count);
        foreach (var image in images)
        {
            var found = image!["classes"]!
                .AsArray()
                .Select(item => (Class: (string)item!["class"]!, Probability: (double)item["probability"]!))
                .ToList();
            Assert.Equal(10, found.Select(item => item.Class).Distinct().Count());
            Assert.Equal(found.OrderByDescending(item => item.Probability), found);
            Assert.Equal(1, found.Sum(item => item.Probability), 1e-5);
        }

        var lines = File.ReadAllLines(Path.Combine(Folder, "two.csv"));
        Assert.Equal("name,class,probability,class2,probability2", lines[0]);
        Assert.Equal(
            images.Select(image => $"{image!["name"]},{image["classes"]![0]!["class"]}"),
            lines[1..].Select(line => string.Join(',', line.Split(',')[..2])));
        Assert.Equal(
            lines[1..].Select(line => string.Join('\t', line.Split(',')[..2])),
            printed.TrimEnd('\n').Split('\n').Select(line => string.Join('\t', line.Split('\t')[..2])));
    }

    [Fact]
    public void AClassifier_NeedsNoRun_AndKeepsTheEncoderToTheBit()
    {
        var alone = Path.Combine(
            Directory.CreateDirectory(Path.Combine(Folder, "elsewhere")).FullName,
            "mine.safetensors");
        File.Copy(Path.Combine(Folder, made.Of("linear")), alone, overwrite: true);
        var (code, output, error) = Moco.Run(Folder, "predict", "elsewhere/mine.safetensors", "--data", "photos/val");
        Assert.True(code == 0, error);
        Assert.Equal(20, output.TrimEnd('\n').Split('\n').Length);

        using var classifier = TrainedEncoder.Load(alone);
        using var run = TrainedEncoder.Load(Path.Combine(Folder, "run"));
        Assert.Equal(10, classifier.Classes.Count);
        Assert.Equal(run.Step, classifier.Step);
        using var images = TorchSharp.torch.rand(2, 3, 32, 32);
        Assert.Equal(
            HostMemory.Floats(run.Encoder.Features(images)),
            HostMemory.Floats(classifier.Encoder.Features(images)));
    }

    [Theory]
    [InlineData("onnx", "run by ONNX Runtime")]
    [InlineData("safetensors", "reloaded")]
    public void AClassifier_IsExportedWithItsClasses(string format, string check)
    {
        var (code, output, error) = Moco.Run(
            Folder, "export", made.Of("finetune"), "--format", format, "-o", $"exported.{format}");

        Assert.True(code == 0, error);
        Assert.Contains("logits 10", output);
        Assert.Contains(check, output);
        if (format == "onnx")
        {
            using var session = new Microsoft.ML.OnnxRuntime.InferenceSession(Path.Combine(Folder, "exported.onnx"));
            Assert.Equal(["logits"], session.OutputNames);
            Assert.Equal(10, JsonNode.Parse(session.ModelMetadata.CustomMetadataMap["classes"])!.AsArray().Count);
            return;
        }

        Assert.Contains("classes: [\"", Moco.Run(Folder, "inspect", "exported.safetensors").Output);
        Assert.Equal(
            Moco.Run(Folder, "predict", made.Of("finetune"), "--data", "photos/val").Output,
            Moco.Run(Folder, "predict", "exported.safetensors", "--data", "photos/val").Output);
    }

    [Fact]
    public void AFileThatIsNoClassifier_OrAnInvalidOutput_IsRefused_WithTheCure()
    {
        var (code, _, error) = Moco.Run(
            Folder, "predict", "encoder.safetensors", "--data", "photos/val", "-k", "0", "-o", "x.txt");
        Assert.Equal(2, code);
        Assert.All(
            ["is not a classifier. `moco linear encoder.safetensors --data LABELED`", "-k is 0", "-o is x.txt"],
            part => Assert.Contains(part, error));

        (code, _, error) = Moco.Run(Folder, "predict", "run", "--data", "photos/val");
        Assert.Equal(2, code);
        Assert.Contains("run: has 3 classifiers. Name one of run/classifiers/", error);

        File.WriteAllText(Path.Combine(Folder, "there.csv"), "mine");
        (code, _, error) = Moco.Run(Folder, "predict", made.Of("linear"), "--data", "photos/val", "-o", "there.csv");
        Assert.Equal(2, code);
        Assert.Contains("there.csv exists. Name another file with -o, or add --force", error);
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Folder, "there.csv")));

        (code, _, error) = Moco.Run(Folder, "export", made.Of("linear"), "--format", "torch", "-o", "x.pth.tar");
        Assert.Equal(2, code);
        Assert.Contains("is a classifier", error);
        Assert.Empty(Directory.GetFiles(Folder, ".unfinished*"));
    }

    [Theory]
    [InlineData("[\"a\"]", "names 1 classes")]
    [InlineData("{}", "classes are not a list of names")]
    [InlineData("[1, null]", "classes are not a list of names")]
    [InlineData("nonsense", "classes are not a list of names")]
    public void AFileWithOtherClassesThanOutputs_IsRefused(string classes, string expected)
    {
        using (var file = SafeTensors.Read(Path.Combine(Folder, made.Of("linear"))))
        using (var other = File.Create(Path.Combine(Folder, "other.safetensors")))
        {
            var metadata = file.Metadata.ToDictionary(item => item.Key, item => item.Value);
            metadata["classes"] = classes;
            SafeTensors.Write(other, [.. file.Tensors.Select(item => (item.Key, item.Value))], metadata);
        }

        var (code, _, error) = Moco.Run(Folder, "predict", "other.safetensors", "--data", "photos/val");

        Assert.Equal(1, code);
        Assert.Contains(expected, error);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void AClassifierWithScoresThatAreNotNumbers_IsRefused()
    {
        using (var file = SafeTensors.Read(Path.Combine(Folder, made.Of("linear"))))
        using (var broken = File.Create(Path.Combine(Folder, "nan.safetensors")))
        {
            file.Tensors["fc.bias"].fill_(float.NaN);
            SafeTensors.Write(broken, [.. file.Tensors.Select(item => (item.Key, item.Value))], file.Metadata);
        }

        var (code, _, error) = Moco.Run(Folder, "predict", "nan.safetensors", "--data", "photos/val", "-o", "nan.json");

        Assert.Equal(1, code);
        Assert.StartsWith("moco: nan.safetensors: ", error);
        Assert.False(File.Exists(Path.Combine(Folder, "nan.json")));
    }

    [Fact]
    public void WithoutLabels_EvaluationsSuggestEmbed()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "plain"));
        File.Copy(
            Directory.GetFiles(Path.Combine(Folder, "photos", "val"), "*.png", SearchOption.AllDirectories)[0],
            Path.Combine(Folder, "plain", "a b.png"),
            overwrite: true);

        foreach (var verb in new[] { "knn", "linear", "finetune" })
        {
            var (code, _, error) = Moco.Run(Folder, verb, "run", "--data", "plain");
            Assert.Equal(2, code);
            Assert.Contains("there are no test images", error);
            Assert.Contains(
                "Without labels, `moco embed run --data plain -o features.csv` writes features",
                error);
        }
    }

    /// <summary>A run of two steps, its classifiers, and an exported encoder.</summary>
    public sealed class Classifiers : IDisposable
    {
        public Classifiers()
        {
            foreach (var (part, count, seed) in new[] { ("train", 40, 5), ("val", 20, 6) })
            {
                var images = new Patterns(count, 40, seed);
                for (var i = 0; i < count; i++)
                {
                    var file = Path.Combine(
                        Folder, "photos", part, images.ClassNames[images.LabelOf(i)], $"{i:D2}.png");
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
                }
            }

            Done([
                "pretrain", "patterns", "--data", "photos", "--run", "run",
                "--set", .. Moco.Tiny.Split(' '), "knn.everyEpochs=0",
                "--steps", "2",
            ]);
            Done(["linear", "run", "--epochs", "3", "--lr", "0.5"]);
            Done(["linear", "run", "--fast", "--epochs", "3"]);
            Done(["finetune", "run", "--epochs", "1", "--batch", "8"]);
            Done(["export", "run", "--format", "safetensors", "-o", "encoder.safetensors"]);
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("moco").FullName;

        public string Of(string kind) =>
            Path.GetRelativePath(
                Folder,
                Directory.GetFiles(Path.Combine(Folder, "run", "classifiers"), $"{kind}-query-*.safetensors").Single());

        public JsonNode Report(string kind) =>
            JsonNode.Parse(
                File.ReadAllText(
                    Directory.GetFiles(Path.Combine(Folder, "run", "evaluations"), $"{kind}-query-*.json").Single())
            )!;

        public void Dispose() => Directory.Delete(Folder, recursive: true);

        private void Done(string[] arguments)
        {
            var (code, _, error) = Moco.Run(Folder, arguments);
            Assert.True(code == 0, error);
        }
    }
}
