using System.Diagnostics;
using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

public sealed class PretrainTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void SettingsOfAnotherMethod_WithoutARecipe_NameTheRecipesForIt()
    {
        var (code, _, errors) = Moco.Run(
            folder, "pretrain", "--set", "moco.queueSize=512", "--dry-run");

        Assert.Equal(2, code);
        Assert.Contains("moco and simClr are given, expected exactly one of", errors, StringComparison.Ordinal);
        Assert.Contains(
            "No recipe is named, so simclr-patterns is taken. Name one for moco: ", errors, StringComparison.Ordinal);
        Assert.Contains(", patterns.", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutArguments_ItTrainsSimClrOnTheBuiltInImages()
    {
        var (code, output, error) = Moco.Run(folder, "pretrain", "--dry-run", "--json");

        Assert.True(code == 0, error);
        var config = RunConfig.Parse(output, "the default", []);
        Assert.Equal("patterns", config.Data);
        Assert.IsType<SimClrOptions>(config.Method);
    }

    [Fact]
    public void Patterns_Trains_ResumesAndEvaluates()
    {
        var began = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var (code, output, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--set", .. Moco.Tiny.Split(' '), "data=patterns:24", "--steps", "4"]);
        Assert.True(code == 0, error);
        Assert.Contains("(untrained)", output);
        Assert.Contains("--resume --run", output);

        (code, output, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "runs/patterns-001");
        Assert.True(code == 0, error);
        Assert.Contains("resumed after step 4", output);
        Assert.Contains("done: 6 steps", output);
        Assert.DoesNotContain("the run began with", error);
        // told once, though the monitor's number is added to it
        Assert.Single(output.Split('\n'), line => line.StartsWith("saved ") && line.Contains("step-00000006"));

        var run = Path.Combine(folder, "runs", "patterns-001");
        Assert.All(
            ["config.json", "environment.json", "metrics.jsonl", "views.png"],
            file => Assert.True(File.Exists(Path.Combine(run, file)), file));
        // a choice, once and for all
        Assert.Matches("\"precision\": \"(fp32|bf16)\"", File.ReadAllText(Path.Combine(run, "config.json")));
        var events = Directory
            .GetFiles(Path.Combine(run, "tensorboard"))
            .Select(file => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(file)))
            .ToList();
        Assert.All(
            Directory.GetFiles(Path.Combine(run, "tensorboard"), "events*", SearchOption.AllDirectories),
            file => // seconds since 1970, from the first record on
            Assert.InRange(
                BitConverter.ToDouble(File.ReadAllBytes(file), 13),
                began,
                DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1));
        Assert.Contains(events, text => text.Contains("train/loss"));
        Assert.Contains(
            events,
            text => text.Contains("health/effectiveRank") && text.Contains("Mean cosine of a query and its own key"));
        Assert.All(
            ["if-uninformed", "if-negatives-were-random"],
            expected => // a folder each, so that TensorBoard draws them beside the loss
            Assert.Contains(
                Directory.GetFiles(Path.Combine(run, "tensorboard", expected)),
                file => File.ReadAllText(file).Contains("train/loss")));
        Assert.Contains(events, text => text.Contains("views") && text.Contains("IHDR")); // the sheet, as a PNG
        Assert.Equal(6, MetricsLog.Read(Path.Combine(run, "metrics.jsonl")).Max(line => (long)line["step"]!));

        (code, output, _) = Moco.Run(folder, "knn", "runs/patterns-001", "-k", "7");
        Assert.Equal(0, code);
        Assert.Contains("k 7", output);
        var evaluation = JsonNode.Parse(
            File.ReadAllText(Directory.GetFiles(Path.Combine(run, "evaluations"), "*.json").Single())
        )!;
        Assert.Equal(7, (int)evaluation["neighbours"]!);
        (code, output, _) = Moco.Run(folder, "knn", "runs/patterns-001", "--neighbours", "9"); // the old spelling
        Assert.Equal(0, code);
        Assert.Contains("k 9", output);
        (code, _, error) = Moco.Run(folder, "knn", "runs/patterns-001", "-k", "7", "--neighbours", "9");
        Assert.Equal(2, code);
        Assert.Contains("--neighbours is the old spelling of --neighbors. Give only one of them.", error);

        (code, output, _) = Moco.Run(folder, "inspect", "runs/patterns-001");
        Assert.Equal(0, code);
        Assert.Contains("step-00000006.safetensors", output);
    }

    [Fact]
    public void FaultsOfEveryKind_AreReportedTogether_BeforeAnyWork()
    {
        var (code, output, error) = Moco.Run(
            folder, "pretrain", "patterns", "--data", "nowhere", "--set", "moco.temperature=-0.2", "--set",
                "batchSize=20",
            "--set", "moco.temprature=1");

        Assert.Equal(2, code);
        Assert.Contains("nowhere", error);
        Assert.Contains("Did you mean moco.temperature?", error);
        Assert.Empty(output);
        Assert.False(Directory.Exists(Path.Combine(folder, "runs")));

        (code, _, error) = Moco.Run(
            folder, "pretrain", "patterns", "--data", "nowhere", "--set", "moco.temperature=-0.2", "--set",
                "batchSize=20",
            "--device", "cuda:x");
        Assert.Equal(2, code);
        Assert.All(
            ["moco.temperature is -0.2", "does not divide batchSize 20", "nowhere"],
            part => Assert.Contains(part, error));
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void ATimeBudget_ChoosesTheEpochs_AndSaysWhy()
    {
        string[] tiny = [.. Moco.Tiny.Split(' ').Where(setting => setting != "epochs=2"), "data=patterns:24"];
        var (code, output, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--minutes", "3", "--dry-run", "--json", "--set", .. tiny]);
        Assert.True(code == 0, error);
        var epochs = (int)JsonNode.Parse(output)!["epochs"]!;
        Assert.Null(JsonNode.Parse(output)!["minutes"]);
        Assert.Contains($"note: {epochs} epochs of 3 steps take about 2.", error);
        Assert.Contains("s an evaluation, ", error);

        (code, _, error) = Moco.Run(folder, ["pretrain", "patterns", "--minutes", "0.001", "--set", .. tiny]);
        Assert.Equal(2, code);
        Assert.Matches(@"minutes is 0\.001, but one epoch of 3 steps needs \d", error);
        Assert.False(Directory.Exists(Path.Combine(folder, "runs")));
    }

    [Fact]
    public void EpochsBesideATimeBudget_AreRefused()
    {
        var (code, _, error) = Moco.Run(folder, "pretrain", "patterns", "--minutes", "1", "--set", "epochs=2");
        Assert.Equal(2, code);
        Assert.Contains("epochs and minutes are both set", error);

        (code, _, error) = Moco.Run(folder, "pretrain", "patterns", "--minutes", "0");
        Assert.Equal(2, code);
        Assert.Contains("minutes is 0, expected a number above 0", error);

        (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "r", "--minutes", "5");
        Assert.Equal(2, code);
        Assert.Contains("--minutes chooses the epochs of a new run", error);
    }

    [Fact]
    public void TooFewImagesAndAnEmptyFolder_AreRefused()
    {
        Directory.CreateDirectory(Path.Combine(folder, "empty"));
        var (code, _, error) = Moco.Run(folder, "pretrain", "--data", "empty");
        Assert.Equal(2, code);
        Assert.Contains("no images", error);

        (code, _, error) = Moco.Run(folder, "pretrain", "patterns", "--data", "patterns:20");
        Assert.Equal(2, code);
        Assert.Contains("20 images are fewer than batchSize 128", error);
    }

    [Fact]
    public void ADryRun_ShowsShapesAndCost_InAFewLines_AndWritesNothing()
    {
        var (code, output, error) = Moco.Run(folder, ["pretrain", "patterns", "--dry-run", "--set",
            .. Moco.Tiny.Split(' ')]);

        Assert.True(code == 0, error);
        Assert.All(
            ["2 epochs of 625 steps", "embeddings [8, 8]", "s a step", "of memory", "would end at", "--dry-run --json"],
            part => Assert.Contains(part, output));
        // the views take a line each
        Assert.InRange(output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 5, 16);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void ADryRunInJson_IsARecipe()
    {
        var (code, output, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--dry-run", "--json", "--set", .. Moco.Tiny.Split(' ')]);
        Assert.True(code == 0, error);
        Assert.Contains("\"temperature\": 0.2", output);
        File.WriteAllText(Path.Combine(folder, "mine.json"), output);

        var (_, again, _) = Moco.Run(folder, "pretrain", "mine.json", "--dry-run", "--json");

        Assert.Equal(output, again);
        Assert.Contains("--json requires --dry-run", Moco.Run(folder, "pretrain", "patterns", "--json").Error);
    }

    [Fact]
    public void Notes_NameOnlySettingsThatTheUserChanged_AndComeLast()
    {
        Assert.Empty(Moco.Run(folder, "pretrain", "patterns", "--dry-run").Error); // patterns means its learning rate
        var (_, _, error) = Moco.Run(folder, "pretrain", "patterns", "--dry-run", "--set", "batchSize=64");
        Assert.Contains("moco: note: optimizer.learningRate is 0.12; the official scale for batchSize 64", error);

        Terminal.Require();
        var (_, screen) = Terminal.Run(
            folder, 120, "xterm",
            ["pretrain", "patterns", "--dry-run", "--set", .. Moco.Tiny.Split(' ')]);
        Assert.True(
            screen.IndexOf("would end at", StringComparison.Ordinal)
                < screen.IndexOf("moco: note: ", StringComparison.Ordinal),
            screen);
    }

    [Fact]
    public void AFolderOfUnusualFiles_TrainsToTheEnd_AndEachIsNamed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "makes pipes and links");
        var photos = Directory.CreateDirectory(Path.Combine(folder, "photos")).FullName;
        var images = new Patterns(20, 40, seed: 5);
        for (var i = 0; i < 20; i++)
        {
            File.WriteAllBytes(Path.Combine(photos, $"good{i:D2}.png"), ImageEncoder.Png(images.Read(i).Image));
        }

        var whole = File.ReadAllBytes(Path.Combine(photos, "good00.png"));
        File.WriteAllBytes(Path.Combine(photos, "truncated.png"), whole[..(whole.Length / 2)]);
        File.WriteAllBytes(
            Path.Combine(photos, "truncated.jpg"),
            [0xFF, 0xD8, 0xFF, 0xE0, 0, 16, (byte)'J', (byte)'F', (byte)'I', (byte)'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0]);
        File.WriteAllText(Path.Combine(photos, "text.jpg"), "not an image");
        File.WriteAllBytes(Path.Combine(photos, "zero.jpg"), []);
        File.WriteAllBytes(Path.Combine(photos, "pixel.png"), ImageEncoder.Png(new ImageBuffer(1, 1, [1, 2, 3])));
        File.WriteAllBytes(Path.Combine(photos, "huge.bmp"), Huge());
        Directory.CreateDirectory(Path.Combine(photos, "x.png"));
        File.CreateSymbolicLink(Path.Combine(photos, "dangling.jpg"), "nothing");
        using (var mkfifo = Process.Start("mkfifo", Path.Combine(photos, "pipe.jpg")))
        {
            mkfifo.WaitForExit();
        }

        var (code, output, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "photos", "--set", .. Moco.Tiny.Split(' ')]);

        Assert.True(code == 0, error);
        Assert.Contains("done: 6 steps", output); // 27 entries, 3 batches of 8, 2 epochs
        Assert.All(
            ["truncated.png", "truncated.jpg", "text.jpg", "zero.jpg", "huge.bmp", "dangling.jpg", "pipe.jpg", "x.png"],
            name => Assert.Contains(name, error));
        Assert.DoesNotContain("pixel.png", error);
        Assert.Contains("kNN monitor is off", error);

        (code, _, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--data", "photos", "--on-bad-image", "fail", "--set", .. Moco.Tiny.Split(' ')]);
        Assert.Equal(1, code);
        Assert.DoesNotContain("   at ", error);
    }

    [Fact]
    public void SigTerm_SavesAndExits75_AndTheRunResumes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Moco.Start(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:400",
                    "epochs=1000",
                "knn.everyEpochs=0",
            ]);
        while (process.StandardOutput.ReadLine() is { } line && !line.Contains("step 20/"))
        {
        }

        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]))
        {
            kill.WaitForExit();
        }

        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);

        var environment = Path.Combine(folder, "run", "environment.json");
        File.WriteAllText(
            environment, File.ReadAllText(environment).Replace("\"processor\": \"", "\"processor\": \"Older "));
        var (code, output, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--steps", "1");
        Assert.True(code == 0, error);
        Assert.Contains("resumed after step", output);
        Assert.Contains("moco: note: the run began with processor Older ", error);
        Assert.Contains("so its weights and scores may differ from those of a run without a stop.", error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // A header that promises 65535 x 65535 pixels.
    private static byte[] Huge()
    {
        var file = new byte[100];
        "BM"u8.CopyTo(file);
        BitConverter.TryWriteBytes(file.AsSpan(10), 54);
        BitConverter.TryWriteBytes(file.AsSpan(14), 40);
        BitConverter.TryWriteBytes(file.AsSpan(18), 65535);
        BitConverter.TryWriteBytes(file.AsSpan(22), 65535);
        BitConverter.TryWriteBytes(file.AsSpan(26), (short)1);
        BitConverter.TryWriteBytes(file.AsSpan(28), (short)24);
        return file;
    }
}
