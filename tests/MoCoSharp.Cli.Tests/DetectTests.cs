using System.Text.Json.Nodes;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco detect, as a person uses it.</summary>
public sealed class DetectTests : IDisposable
{
    private const string Tiny =
        "encoder.depth=18 encoder.width=4 batchSize=2 steps=3 threads=1 workers=1 logEvery=1 preciseBnBatches=1 " +
        "views.shortSides=[48] views.testShortSide=48 "
        + "detector.roi.samples=8 detector.roi.poolSize=4 detector.rpn.trainAfter=20 detector.rpn.testAfter=20 " +
            "detector.anchorSizes=[16,32]";

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public DetectTests()
    {
        foreach (var name in new[] { "ImageSets/Main", "Annotations", "JPEGImages" })
        {
            Directory.CreateDirectory(Path.Combine(folder, "voc", name));
        }

        for (var i = 0; i < 6; i++)
        {
            var random = new SampleRandom(1, 2, i, 3);
            var pixels = new byte[3 * 64 * 48];
            for (var p = 0; p < pixels.Length; p++)
            {
                pixels[p] = (byte)random.NextInt(256);
            }

            File.WriteAllBytes(
                Path.Combine(folder, "voc", "JPEGImages", $"{i}.png"),
                ImageEncoder.Png(new ImageBuffer(64, 48, pixels)));
            var box =
                i == 4
                    ? ""
                    : $"<object><name>{(i % 2 == 0 ? "a" : "b")}</name><bndbox>" +
                        $"<xmin>{5 + i}</xmin><ymin>8</ymin><xmax>40</xmax><ymax>40</ymax></bndbox></object>";
            File.WriteAllText(
                Path.Combine(folder, "voc", "Annotations", $"{i}.xml"),
                $"<annotation><size><width>64</width><height>48</height></size>{box}</annotation>");
        }

        File.WriteAllText(Path.Combine(folder, "voc", "ImageSets", "Main", "train.txt"), "0\n1\n2\n3\n");
        File.WriteAllText(Path.Combine(folder, "voc", "ImageSets", "Main", "test.txt"), "4\n5\n");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AResumeBeforeTheFirstCheckpoint_BeginsWithTheSameWeights()
    {
        string[] tiny =
        [
            "encoder.width=4", "batchSize=8", "bnGroups=2", "moco.queueSize=16", "moco.dimension=8", "threads=1",
            "loader.workers=1", "knn.everyEpochs=0", "data=patterns:24",
        ];
        Assert.Equal(0, Moco.Run(folder, ["pretrain", "patterns", "--run", "theirs", "--steps", "1", "--set",
            .. tiny]).ExitCode);
        string[] settings =
        [
            .. Tiny.Split(' ').Where(setting => !setting.StartsWith("encoder", StringComparison.Ordinal)),
            "steps=4000",
        ];
        string[] command = ["detect", "theirs", "--data", "voc:voc", "--run"];
        var (code, _, error) = Moco.Run(folder, [.. command, "whole", "--steps", "2", "--set", .. settings]);
        Assert.True(code == 0, error);

        using (var process = Moco.Start(folder, [.. command, "killed", "--set", .. settings]))
        {
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            while (process.StandardOutput.ReadLine() is { } line && !line.Contains("step 1/", StringComparison.Ordinal))
            {
                // Until a step is done.
            }

            process.Kill();
            process.WaitForExit();
        }

        var checkpoints = Path.Combine(folder, "killed", "checkpoints");
        Assert.Empty(Directory.GetFiles(checkpoints, "*.safetensors"));
        (code, _, error) = Moco.Run(folder, "detect", "--resume", "--run", "killed", "--steps", "2");
        Assert.True(code == 0, error);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(folder, "whole", "checkpoints", "step-00000002.safetensors")),
            File.ReadAllBytes(Path.Combine(checkpoints, "step-00000002.safetensors")));

        // A folder of an older version does not say which file it began with.
        Directory.Delete(checkpoints, recursive: true);
        var config = Path.Combine(folder, "killed", "config.json");
        File.WriteAllText(
            config,
            File.ReadAllText(config).Replace("\"initialWeights\": \"theirs\"", "\"initialWeights\": null"));
        (code, _, error) = Moco.Run(folder, "detect", "--resume", "--run", "killed");
        Assert.Equal(2, code);
        Assert.Contains(
            "killed: has no checkpoint yet, and its config.json does not say which file it began with (theirs, step 1)",
            error);
    }

    [Fact]
    public void ADetection_StopsAtItsStepLimit_Resumes_IsEvaluatedAndDrawn()
    {
        var (code, output, error) = Moco.Run(
            folder,
            [
                "detect", "--from-scratch", "--data", "voc:voc", "--run", "run", "--steps", "2", "--set",
                .. Tiny.Split(' '),
            ]);
        Assert.True(code == 0, error);
        Assert.Contains("moco detect --resume --run run", output);
        Assert.Contains("not the protocol: BatchNorm sees 2 images at a time (protocol: 16, synchronised)", error);
        Assert.False(File.Exists(Path.Combine(folder, "run", "detector.safetensors")));

        (code, output, error) = Moco.Run(folder, "detect", "--resume", "--run", "run", "--draw", "1");
        Assert.True(code == 0, error);
        Assert.Contains("resumed after step 2", output);
        Assert.Contains("AP50", output);
        Assert.Contains("not the protocol: steps 3", output); // beside the number
        Assert.True(File.Exists(Path.Combine(folder, "run", "pictures", "mistakes.png")));
        var report = JsonNode.Parse(
            File.ReadAllText(Path.Combine(folder, "run", "evaluations", "detection-step-00000003.json"))
        )!;
        Assert.Equal(2, report["images"]!.GetValue<int>());
        Assert.Equal("VOC 2007, 11 points", report["metric"]!.GetValue<string>());

        // No verb takes the folder for a pre-training.
        (code, _, error) = Moco.Run(folder, "detect", "run", "--data", "voc:voc");
        Assert.Equal(2, code);
        Assert.Contains("is a detection run", error);
        (code, output, _) = Moco.Run(folder, "inspect", "run");
        Assert.Equal(0, code);
        Assert.Contains(
            "the configuration of a detection: Faster R-CNN with a ResNet-18 of width 4, from random weights",
            output);
        (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run");
        Assert.NotEqual(0, code);
        Assert.Contains("is the configuration of a detection run, not of pre-training. ", error);
        Assert.Contains("`moco detect --resume --run run`", error);
    }

    [Fact]
    public void AStudy_TrainsRandomWeightsAndEncoders_AndDoesNothingTheSecondTime()
    {
        var (code, _, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "patterns:16", "--run", "encoder", "--steps", "1", "--set",
                .. Moco.Tiny.Split(' ')]
        );
        Assert.True(code == 0, error);
        string[] study =
        [
            "study", "detection", "mine=encoder", "--data", "voc:voc", "--seeds", "1", "--run", "study", "--set",
            .. Tiny.Split(' ').Where(setting => !setting.StartsWith("encoder.", StringComparison.Ordinal)),
            "steps=1",
        ];

        (code, var output, error) = Moco.Run(folder, study);
        Assert.True(code == 0, error);
        Assert.Contains("| random | ", output);
        Assert.Contains("| mine | ", output);
        Assert.Contains("Not the protocol: steps 1 (protocol: 24000).", output);
        Assert.Equal(3, File.ReadAllLines(Path.Combine(folder, "study", "table.csv")).Length);

        (code, output, error) = Moco.Run(folder, study);
        Assert.True(code == 0, error);
        Assert.DoesNotContain("step 1/1", output);

        (code, _, error) = Moco.Run(
            folder, "study", "detection", "random=encoder", "other=nowhere", "--data", "voc:voc", "--seeds", "0");
        Assert.Equal(2, code);
        Assert.Contains("names two rows of the table", error);
        Assert.Contains("nowhere: there is no such run folder or file", error);
        Assert.Contains("--seeds is 0", error);
    }

    [Fact]
    public void DuplicateIds_AndImagesInBothParts_CauseWarnings()
    {
        File.WriteAllText(Path.Combine(folder, "voc", "ImageSets", "Main", "test.txt"), "4\n5\n5\n3\n5\n");

        var (code, _, error) = Moco.Run(
            folder,
            ["detect", "--from-scratch", "--data", "voc:voc", "--dry-run", "--set", .. Tiny.Split(' ')]);

        Assert.Equal(0, code);
        Assert.Contains(
            "moco: warning: voc:voc@test: 1 ids occur in test.txt more than once, and count once: 5 (3 times).",
            error);
        Assert.Contains(
            "moco: warning: voc:voc@test: 1 of its 3 images are also trained on, so the AP is too high: 3.",
            error);
        Assert.Contains("moco: note: not the protocol: steps 3", error);
    }

    [Fact]
    public void AllFaults_AreReportedTogether_BeforeAnyWork()
    {
        var (code, _, error) = Moco.Run(
            folder, "detect", "nowhere", "--data", "voc:none", "--steps", "0", "--encoder", "both", "--draw", "-3",
            "--run", "run", "--set", "batchSize=0", "views.shortside=3");

        Assert.Equal(2, code);
        foreach (
            var part in new[]
            {
                "nowhere: there is no such run folder or file", "there is no folder none", "--steps is 0",
                "--encoder is both", "--draw is -3", "unknown key views.shortside",
            })
        {
            Assert.Contains(part, error);
        }

        Assert.DoesNotContain("   at ", error);
        Assert.False(Directory.Exists(Path.Combine(folder, "run")));

        (code, _, error) = Moco.Run(folder, "detect", "--resume", "--run", "nowhere", "--data", "voc:voc");
        Assert.Equal(2, code);
        Assert.Contains("has no config.json", error);
        Assert.Contains("leave out the encoder", error);
    }
}
