using MoCoSharp;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Evaluation;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using MoCoSharp.Tests.Export;
using MoCoSharp.Training;
using TorchSharp;

namespace MoCoSharp.Tests;

/// <summary>The C# of README.md, docs/how-to/pytorch.md and docs/how-to/library.md, run as it stands there.</summary>
public sealed class HowToTests : IDisposable
{
    private readonly string before = Environment.CurrentDirectory;
    private readonly TextWriter console = Console.Out;
    private readonly StringWriter said = new();
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public HowToTests()
    {
        Environment.CurrentDirectory = folder;
        Console.SetOut(said);
    }

    [Fact]
    public void AFile_IsLookedInto()
    {
        Save("checkpoint.pth.tar", "module.encoder_q.");

        using var file = TorchFile.Read("checkpoint.pth.tar");
        var checkpoint = (PickleDictionary)file.Root;
        var weight = (PickleTensor)((PickleDictionary)checkpoint["state_dict"])["module.encoder_q.conv1.weight"];
        // tensors end with the file
        Console.WriteLine($"epoch {checkpoint["epoch"]}: {weight.Tensor.norm().item<float>()}");

        Assert.StartsWith("epoch 800: ", $"{said}");
    }

    [Fact]
    public void AStateDictionary_LoadsIntoAModuleOfOnesOwn()
    {
        using var saved = torch.arange(6, torch.float32).reshape(2, 3);
        using var bias = torch.ones(2);
        TorchFile.Write("linear.pth", new PickleDictionary { ["weight"] = saved, ["bias"] = bias });

        using var model = torch.nn.Linear(3, 2);
        using var file = TorchFile.Read("linear.pth");
        var tensors = ((PickleDictionary)file.Root).Tensors().ToDictionary(item => item.Key, item => item.Value.Tensor);
        StateDictionary.Load("linear.pth", model.state_dict().Select(item => (item.Key, item.Value)), tensors);

        Assert.Equal([0, 1, 2, 3, 4, 5], model.weight!.data<float>());
        Assert.Equal([1, 1], model.bias!.data<float>());
    }

    [Fact]
    public void AReleasedCheckpoint_GivesFeatures()
    {
        Save("moco_v2_800ep_pretrain.pth.tar", "module.encoder_q.");
        SavePhotos(("a", 1), ("b", 2), ("c", 1));
        File.WriteAllText("photos/a-broken.png", "no image"); // between a and b

        using var encoder = TrainedEncoder.Load("moco_v2_800ep_pretrain.pth.tar");
        // resized to 256, cropped to 224, ImageNet's mean and std
        using var features = encoder.Extract(ImageFolder.Open("photos"));
        foreach (var neighbor in features.Nearest(features["a.png"], k: 3)) // a.png itself comes first
        {
            Console.WriteLine($"{neighbor.Name} {neighbor.Similarity:F2}");
        }

        Assert.Equal([3, 512], features.Values.shape);
        var view = ViewRecipes.Evaluation(encoder.Views);
        Assert.Equal((224, 256), (encoder.Views.Size, view.Operations.OfType<Resize>().Single().ShortSide));
        Assert.Matches(
            @"^(a.png 1.00\nc.png 1.00|c.png 1.00\na.png 1.00)\nb.png [01].\d\d\n$",
            $"{said}".ReplaceLineEndings("\n"));
    }

    [Fact]
    public void TheSampleOfTheReadme_GoesFromPhotosToNeighbors()
    {
        Directory.CreateDirectory("photos");
        SavePhotos([.. Enumerable.Range(0, 16).Select(i => ($"{i:D2}", i)), ("beach", 3)]);
        File.Move("photos/beach.png", "photos/beach.jpg"); // the content decides
        string[] small =
        [
            "encoder.width=4", "encoder.stem=small", "views.size=32", "loader.workers=1", "threads=1", "logEvery=1",
        ];
        // a file of that name comes first
        File.WriteAllText("moco-v2-folder", RunConfigFile.Write(RunConfig.Load("moco-v2-folder", small)));

        TorchRuntime.Configure(); // first, before any tensor
        var config = RunConfig.Load("moco-v2-folder", set: ["data=photos", "epochs=50"]);
        using var run = PretrainRun.Start(config, "runs/mine");
        run.Progress += report => Console.WriteLine(report);
        run.ToEnd();

        using var encoder = TrainedEncoder.Load("runs/mine");
        using var features = encoder.Extract(ImageFolder.Open("photos"));
        foreach (var neighbor in features.Nearest(features["beach.jpg"], k: 5))
        {
            Console.WriteLine($"{neighbor.Name}  {neighbor.Similarity:F2}");
        }

        Assert.Matches(
            @"step 1 of \d+: loss \d\.\d{3}, contrast accuracy \d+\.\d %, \d+ images/s\n",
            $"{said}".ReplaceLineEndings("\n"));
        Assert.Matches(@"(beach\.jpg|03\.png)  1\.00\n(.*\n){4}$", $"{said}".ReplaceLineEndings("\n"));
    }

    [Fact]
    public void AnEncoder_IsEvaluatedOnLabels()
    {
        Directory.CreateDirectory("runs");
        Save("runs/mine", "module.encoder_q.");
        foreach (var name in new[] { "train/a", "train/b", "val/a", "val/b" })
        {
            Directory.CreateDirectory($"photos/{name}");
        }

        SavePhotos([.. Enumerable.Range(0, 20).Select(i => ($"train/{"ab"[i % 2]}/{i:D2}", i))]);
        SavePhotos(("val/a/0", 0), ("val/a/2", 2), ("val/b/1", 1));
        torch.set_num_threads(1);

        using var encoder = TrainedEncoder.Load("runs/mine");
        var evaluator = new Evaluator(encoder, ImageFolder.Open("photos/train"), ImageFolder.Open("photos/val"))
        {
            ReportPath = "linear.json",
        };
        var report = evaluator.LinearOnCachedFeatures(new LinearOptions());
        Console.WriteLine($"top-1 {100 * report.Scores.Top1:F1} % of {report.Scores.Count} images");

        Assert.Matches(@"^top-1 \d+\.\d % of 3 images$", $"{said}".Trim());
        Assert.Equal(report.ToJson() + "\n", File.ReadAllText("linear.json"));
        using var classifier = TrainedEncoder.Load(report.ClassifierPath!);
        Assert.Equal(["a", "b"], classifier.Classes);
    }

    [Fact]
    public void TheConfigurationInCode_IsTheRecipeForPhotos()
    {
        var config = new RunConfig
        {
            Epochs = 200,
            BatchSize = 64,
            Encoder = new EncoderOptions { Depth = 18, Head = EncoderHead.Mlp },
            Views = new ViewOptions { Recipe = ViewRecipe.MoCoV2, Size = 224 },
            MoCo = new MoCoOptions { QueueSize = 4096, Momentum = 0.99, Temperature = 0.2 },
            Optimizer = new OptimizerOptions
            {
                LearningRate = 0.0075,
                ScheduleUnit = ScheduleUnit.Step,
                WarmupSteps = 100,
            },
        };

        var recipe = RunConfigFile.Load(Path.Combine(Sources.Root, "recipes", "moco-v2-folder.json"));
        Assert.Equal(
            RunConfigFile.Write(config with { Description = "", Data = "", Knn = new() }),
            RunConfigFile.Write(recipe with { Description = "", Data = "", Knn = new(), FitToImages = false }));
    }

    [Fact]
    public void AProgram_PreTrains_AndFindsNeighbors()
    {
        SavePhotos([.. Enumerable.Range(0, 16).Select(i => ($"{i:D2}", i)), ("beach", 3)]);
        File.Move("photos/beach.png", "photos/beach.jpg"); // what is inside counts
        var config = new RunConfig
        {
            Epochs = 1,
            BatchSize = 64,
            LogEvery = 1,
            Threads = 1,
            Encoder = new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Small,
            },
            Views = new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 },
            MoCo = new MoCoOptions { Dimension = 8, QueueSize = 4096 },
        };

        var photos = ImageFolder.Open("photos");
        config = ImageFit.Apply(config, photos.Count).Config;
        var run = RunFolder.Create("runs/mine", config);
        using var method = config.CreateMethod(photos.Count, SingleProcess.Instance);
        using var views = ViewLoader.Open(
            photos, config.TrainingViews(), config.Loader, config.Seed, config.BatchSize,
            views: config.Method.ViewsPerImage);
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, new Lines());
        training.Run(views, run);

        Assert.Equal((8, 8), (config.BatchSize, config.MoCo!.QueueSize));
        Assert.Matches(
            @"^step 1 of 2: loss \d+\.\d{3}\nstep 2 of 2: loss \d+\.\d{3}\n$",
            $"{said}".ReplaceLineEndings("\n"));
        said.GetStringBuilder().Clear();
        Neighbors();
        Assert.Matches(
            @"^(03.png  1.00\nbeach.jpg  1.00|beach.jpg  1.00\n03.png  1.00)\n(.*\n){3}$",
            $"{said}".ReplaceLineEndings("\n"));
    }

    private static void Neighbors()
    {
        using var encoder = TrainedEncoder.Load("runs/mine");
        using var features = encoder.Extract(ImageFolder.Open("photos"));
        foreach (var neighbor in features.Nearest(features["beach.jpg"], k: 5))
        {
            Console.WriteLine($"{neighbor.Name}  {neighbor.Similarity:F2}");
        }
    }

    public void Dispose()
    {
        Console.SetOut(console);
        Environment.CurrentDirectory = before;
        Directory.Delete(folder, recursive: true);
    }

    private static void SavePhotos(params (string Name, int Seed)[] photos)
    {
        Directory.CreateDirectory("photos");
        foreach (var (name, seed) in photos)
        {
            var pixels = new byte[32 * 32 * 3];
            new Random(seed).NextBytes(pixels);
            using var image = new ImageBuffer(32, 32, pixels);
            File.WriteAllBytes($"photos/{name}.png", ImageEncoder.Png(image));
        }
    }

    // As the released files are: legacy, one encoder with its head, the epoch.
    private static void Save(string path, string prefix)
    {
        using var trained = Trained.New(new EncoderOptions { Depth = 18, Head = EncoderHead.Mlp });
        using var scope = torch.NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (name, tensor) in EncoderFile.Weights(trained.Encoder, withHead: true))
        {
            state[prefix + name] = tensor;
        }

        TorchFile.Write(
            path,
            new PickleDictionary
            {
                ["epoch"] = 800,
                ["arch"] = "resnet18",
                ["state_dict"] = state,
            },
            TorchFormat.Legacy);
    }
}

internal sealed class Lines : IPretrainObserver
{
    public void Reported(StepReport report) =>
        Console.WriteLine($"step {report.Step} of {report.TotalSteps}: loss {report.Loss:F3}");
}
