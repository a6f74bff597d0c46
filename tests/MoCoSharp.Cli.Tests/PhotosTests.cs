using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>moco pretrain on a folder of one's own photos, without labels and without a recipe.</summary>
public sealed class PhotosTests : IDisposable
{
    // What makes a run short, and leaves batch, groups and queue to the recipe.
    private static readonly string[] Small =
        [
            "encoder.width=4", "encoder.stem=small", "views.size=32", "threads=1",
            "loader.workers=1", "optimizer.warmupSteps=0", "epochs=1",
        ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void WithoutARecipe_PhotosGetADefault_FittedToTheirNumber_AndTheEndNamesTheNextSteps()
    {
        const string source = "my sister's photos"; // a folder as people have it
        Photos(source, 26);

        var (code, output, error) = Moco.Run(folder, ["pretrain", "--data", source, "--set", .. Small]);

        Assert.True(code == 0, error);
        Assert.Contains("no recipe is named: using photos, for your own images.", error);
        Assert.Contains(@"moco pretrain RECIPE --data 'my sister'\''s photos'", error);
        Assert.Contains("batchSize 8: 3 steps an epoch", error);
        Assert.Contains("bnGroups 1: BatchNorm groups of 8 images", error);
        Assert.DoesNotContain("encoder.width", error); // it is set
        Assert.Contains("26 images are few for training from random weights", error);
        Assert.DoesNotContain("the official scale", error); // no doubt about values that we chose
        Assert.DoesNotContain("moco.shuffle", error);
        var run = Path.Combine("runs", "photos-001");
        var config = RunConfigFile.Load(Path.Combine(folder, run, "config.json"));
        Assert.Equal((8, 1, false), (config.BatchSize, config.BnGroups, config.SizeToImages));
        Assert.DoesNotContain("moco knn runs/photos-001`", output);

        // What is printed can be copied.
        var commands = output
            .Split('\n')
            .Where(line => line.StartsWith("  moco ", StringComparison.Ordinal))
            .Select(line => line.Split(" #")[0].Trim())
            .ToList();
        Assert.Equal(
            ["report", "embed", "inspect", "doctor", "export", "knn"],
            commands.Select(command => command.Split(' ')[1]));
        foreach (var command in commands.Where(command => !command.Contains("LABELED")))
        {
            var (exit, said) = InAShell(command);
            Assert.True(exit == 0, $"{command}: {said}");
        }

        Assert.Equal(27, File.ReadAllLines(Path.Combine(folder, run, "features.csv")).Length);
        Assert.True(File.Exists(Path.Combine(folder, run, "encoder.onnx")));

        // A resume keeps what was chosen, though there are more images now.
        Photos(source, 40);
        (code, _, error) = Moco.Run(folder, "pretrain", "--resume-with-changes", "--run", run, "--set", "epochs=2");
        Assert.True(code == 0, error);
        var resumed = RunConfigFile.Load(Path.Combine(folder, run, "config.json"));
        Assert.Equal((8, 2), (resumed.BatchSize, resumed.Epochs));
    }

    [Fact]
    public void TheRecipeOfMoCoV2_IsFittedToTheNumberOfPhotos()
    {
        Photos("photos", 26);

        var (code, output, error) = Moco.Run(
            folder,
            ["pretrain", "moco-v2-folder", "--data", "photos", "--dry-run", "--set", .. Small, "moco.dimension=8"]);

        Assert.True(code == 0, error);
        Assert.Contains(
            "batchSize 8 instead of 64: 26 images make 3 steps an epoch. --set batchSize=... sets another.",
            error);
        Assert.Contains("bnGroups 2 instead of 8: 4 images a group.", error);
        Assert.Contains("moco.queueSize 8 instead of 4096: at most half of 26 images", error);
        Assert.Contains("queue [8, 8]", output);
    }

    [Fact]
    public void WithoutSettings_PhotosAreSizedForAnHour_AndFewOfThemForFewerEpochs()
    {
        Photos("photos", 40);

        var (code, output, error) = Moco.Run(folder, "pretrain", "--data", "photos", "--minutes", "5", "--dry-run");

        Assert.True(code == 0, error);
        Assert.Contains("views.size 32: images of about 40 pixels; about ", error);
        Assert.Contains("epochs of 40 images in 5 minutes on ", error);
        Assert.Contains("views.recipe cifar-demo: small images are evaluated without cropping", error);
        Assert.Contains("epochs at most 800: more do not help 40 images", error);
        Assert.Matches(@"note: \d+ epochs of 5 steps take about \d", error);
        Assert.Contains("batch 8", output);
    }

    [Fact]
    public void SettingsOfTheUser_AreNotFitted_AndADryRunReportsTheRest()
    {
        Photos("photos", 26);

        var (code, output, error) = Moco.Run(
            folder,
            [
                "pretrain", "moco-v2-folder", "--data", "photos", "--dry-run", "--set", .. Small, "moco.queueSize=20",
                "moco.dimension=8", "batchSize=16", "bnGroups=2",
            ]);

        Assert.True(code == 0, error);
        Assert.Contains("batch 16", output);
        Assert.Contains("queue [20, 8]", output);
        Assert.DoesNotContain("instead of", error);
        Assert.DoesNotContain("no recipe is named", error);
        Assert.Contains("moco.queueSize 20 is more than half of the 26 images", error);
        Assert.Contains("--set moco.queueSize=13", error);
        Assert.False(Directory.Exists(Path.Combine(folder, "runs")));

        (code, output, error) = Moco.Run(
            folder,
            [
                "pretrain", "--data", "photos", "--dry-run", "--set", .. Small,
                "simClr=null", "moco={\"queueSize\": 11, \"dimension\": 8}",
            ]);
        Assert.True(code == 0, error);
        Assert.Contains("batch 8", output);
        Assert.Contains("queue [11, 8]", output);
    }

    [Fact]
    public void FewerImagesThanTheSmallestBatch_AreRefused_WithWhatToDoInstead()
    {
        Photos("patterns", 5); // a folder, whatever it is called

        var (code, _, error) = Moco.Run(folder, "pretrain", "--data", "patterns");

        Assert.Equal(2, code);
        Assert.Contains("5 images are fewer than batchSize 8, and too few to train on", error);
        Assert.Contains("moco embed moco_v2_800ep_pretrain.pth.tar --data patterns -o features.csv", error);
        Assert.False(Directory.Exists(Path.Combine(folder, "runs")));
    }

    [Fact]
    public void TheDefaultRecipe_DependsOnTheImages()
    {
        Photos("patterns:1", 1);
        Assert.All(
            [folder, Path.Combine(folder, "patterns:1"), "list.txt", "nowhere", "shards/{000..009}.tar", "photos.moco"],
            source => Assert.Equal("photos", Recipes.For(source)));
        Assert.All([null, "patterns:300"], source => Assert.Equal("simclr-patterns", Recipes.For(source)));
        Assert.All(
            ["cifar10:data", "cifar100:data", "idx:data"],
            source => Assert.Equal("cifar10-30min", Recipes.For(source)));
        Assert.Null(Recipes.Remark(null));
        Assert.Contains("using cifar10-30min, for images of about 32 pixels", Recipes.Remark("cifar10:data"));
    }

    private void Photos(string name, int count)
    {
        var images = new Patterns(count, 40, seed: 5);
        Directory.CreateDirectory(Path.Combine(folder, name));
        for (var i = 0; i < count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, name, $"{i:D2}.png"), ImageEncoder.Png(images.Read(i).Image));
        }
    }

    private (int ExitCode, string Said) InAShell(string command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a POSIX shell");
        var start = new ProcessStartInfo(
            "/bin/sh",
            [
                "-c",
                $"moco() {{ dotnet '{Path.Combine(AppContext.BaseDirectory, "moco.dll")}' \"$@\"; }}; ({command}) 2>&1",
            ])
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, said);
    }
}
