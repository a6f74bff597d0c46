using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Encoders;

/// <summary>Official checkpoints in and out, with PyTorch running the official steps on the other side.</summary>
public sealed class ForeignWeightsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    // The losses in float32, as trainings are; the weights in float64: in float32 PyTorch's own, channels last or not,
    // differ by 1e-3 after two steps.
    [Theory]
    [InlineData("resnet18", "zip")]
    [InlineData("resnet18", "legacy")]
    public void ATrainingOfPyTorch_GoesOnHere_WithTheSameStep(string arch, string format)
    {
        var (file, next) = (Path.Combine(folder, "theirs.pth.tar"), Path.Combine(folder, "next.pth.tar"));
        var comparesWeights = format == "zip"; // the same for both formats, and slow
        var exactly = comparesWeights ? $" then resume {file} {next} zip 2 float64" : "";
        var expected = Losses(Official($"start {arch} {file} {format} 2 then resume {file} - zip 2{exactly}"));

        using var scope = NewDisposeScope();
        using var training = Import(file);
        var losses = new[] { training.Step(2), training.Step(3) };

        Assert.Equal(expected[2], losses[0], 1e-5);
        // after one update in float32, which raises differences of rounding; float64 below is exact
        Assert.Equal(expected[3], losses[1], 1e-3);
        if (comparesWeights)
        {
            using var exact = Import(file, type: float64);
            AssertSameSteps(exact, next);
        }
    }

    [Theory]
    [InlineData("resnet18", TorchFormat.Zip)]
    [InlineData("resnet18", TorchFormat.Legacy)]
    public void ATrainingOfOurs_GoesOnInPyTorch_WithTheSameStep(string arch, TorchFormat format)
    {
        var (file, next) = (Path.Combine(folder, "ours.pth.tar"), Path.Combine(folder, "next.pth.tar"));
        using var scope = NewDisposeScope();
        using var training = new OurTraining(Config(int.Parse(arch["resnet".Length..], CultureInfo.InvariantCulture)));
        training.Step(0);
        training.Step(1);
        OfficialCheckpoint.Write(file, 2, training.Method, training.Optimizer, training.Config, 0.01, format);
        // the same for both formats, and slow
        using var exact = format == TorchFormat.Zip ? training.Copy(float64) : null;

        var output = Official(
            $"resume {file} - zip 2" + (exact is null ? "" : $" then resume {file} {next} zip 2 float64"));
        var losses = new[] { training.Step(2), training.Step(3) };

        Assert.Contains("All keys matched", output);
        var theirs = Losses(output);
        Assert.Equal(losses[0], theirs[0], 1e-5);
        // after one update in float32, which raises differences of rounding; float64 below is exact
        Assert.Equal(losses[1], theirs[1], 1e-3);
        if (exact is not null)
        {
            AssertSameSteps(exact, next);
        }
    }

    // Through our run folder and back: PyTorch goes on from our file as from its own, to the last bit. MOCOSHARP_SLOW=1
    // takes the other formats too.
    [Theory]
    [InlineData("resnet50", "zip", TorchFormat.Legacy)]
    [InlineData("resnet50", "legacy", TorchFormat.Zip)]
    public void ATrainingOfPyTorch_PassesThroughHere_Unchanged(string arch, string format, TorchFormat back)
    {
        Assert.SkipWhen(
            format == "legacy" && Environment.GetEnvironmentVariable("MOCOSHARP_SLOW") != "1",
            "600 MB through the disk once more: MOCOSHARP_SLOW=1 runs it");
        var (file, ours) = (Path.Combine(folder, "theirs.pth.tar"), Path.Combine(folder, "ours.pth.tar"));
        var expected = Losses(Official($"start {arch} {file} {format} 1 then resume {file} - zip 1"));
        using (var training = Import(file, epochs: 1))
        {
            OfficialCheckpoint.Write(ours, 1, training.Method, training.Optimizer, training.Config, 0.01, back);
        }

        Assert.Equal(expected[1], Assert.Single(Losses(Official($"resume {ours} - zip 1"))));
        using var scope = NewDisposeScope();
        using var before = TorchFile.Read(file);
        using var after = TorchFile.Read(ours);
        Assert.Equal(Lines(before), Lines(after));

        static IEnumerable<string> Lines(TorchFile read) =>
            TreeText
                .Describe(read.Root)
                .Where(line => !line.Contains(" dict ", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal);
    }

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet50")]
    public void FeaturesOfTorchvisionsWeights_AreTorchvisions(string arch)
    {
        var file = Path.Combine(folder, "bare.pth");
        Official($"features {arch} {file}");
        using var scope = NewDisposeScope();
        using var weights = ForeignWeights.Read(file);
        using var expected = TorchFile.Read(file + ".expected");
        using var random = new Generator(0);
        using var encoder = new Encoder(weights.Encoder, weights.OutputSize!.Value, bnGroups: 1, random);
        StateDictionary.Load(file, encoder.state_dict().Select(item => (item.Key, item.Value)), weights.Query);
        encoder.eval();
        using var noGrad = no_grad();
        var images = Golden.View(0, 0, float32, 8, 3, 64, 64);

        Assert.Equal(
            ["the key encoder", "the queue", "the optimizer's velocities", "the number of epochs done"],
            weights.Missing);
        Assert.Equal(1000, weights.OutputSize);
        Assert.True(
            Golden.Difference(
                encoder.Features(images),
                ((PickleTensor)((PickleDictionary)expected.Root)["features"]).Tensor
            ) < 1e-5);
        Assert.True(
            Golden.Difference(encoder.call(images), ((PickleTensor)((PickleDictionary)expected.Root)["outputs"]).Tensor)
                < 1e-5);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Official(string commands) => PyTorch.Run("official.py", commands.Split(' '));

    private static double[] Losses(string output) =>
        [
            .. output
                .Split('\n')
                .Where(line => double.TryParse(line, CultureInfo.InvariantCulture, out _))
                .Select(line => double.Parse(line, CultureInfo.InvariantCulture)),
        ];

    // The hyper-parameters of official.py; an epoch is a step.
    private static RunConfig Config(int depth) => new()
    {
        BatchSize = 8,
        BnGroups = 1,
        Threads = 1,
        Encoder = new EncoderOptions { Depth = depth, Head = EncoderHead.Mlp },
        MoCo = new MoCoOptions { Dimension = 16, QueueSize = 48, Momentum = 0.99, Temperature = 0.2, Shuffle = false },
        Optimizer = new OptimizerOptions
        {
            LearningRate = 0.01,
            Momentum = 0.9,
            WeightDecay = 1e-4,
            Schedule = LearningRateSchedule.Constant,
        },
    };

    private static void AssertSameSteps(OurTraining exact, string next)
    {
        exact.Step(2);
        exact.Step(3);
        using var after = ForeignWeights.Read(next);
        exact.AssertNear(after, 1e-9);
    }

    private OurTraining Import(string file, int epochs = 2, ScalarType type = ScalarType.Float32)
    {
        using var weights = ForeignWeights.Read(file);
        var config = WeightsImport.Configure(weights, Config(50), file);
        var path = Path.Combine(folder, $"run-{type}");
        Assert.Empty(WeightsImport.CreateRun(weights, file, path, config, stepsPerEpoch: 1));
        var run = RunFolder.Open(path);
        Assert.Empty(WeightsImport.Missing(run));
        Assert.EndsWith($"step-{epochs:D8}.safetensors", run.Checkpoints()[0]);
        var training = new OurTraining(run.ReadConfig(), type);
        var progress = TrainingState.Load(run.Checkpoints()[0], training.Method, training.Optimizer);
        Assert.Equal((epochs, epochs, 0), ((int)progress.Step, progress.Epoch, progress.Batch));
        return training;
    }

    private sealed class OurTraining : IDisposable
    {
        private readonly TrainingStep step;

        public OurTraining(RunConfig config, ScalarType type = ScalarType.Float32)
        {
            Config = config;
            Type = type;
            Method = MoCo.Create(config.Encoder, config.MoCo!, config.BnGroups, config.Seed, SingleProcess.Instance);
            Method.to(type);
            Method.train();
            Optimizer = new Sgd(Method.LearnedParameters, config.Optimizer.Momentum, config.Optimizer.WeightDecay);
            step = new TrainingStep(Method, Optimizer, SingleProcess.Instance);
        }

        public RunConfig Config { get; }

        public ScalarType Type { get; }

        public MoCo Method { get; }

        public Sgd Optimizer { get; }

        public double Step(int number)
        {
            using var scope = NewDisposeScope();
            var (loss, _) = step.Run(
                number, Golden.View(number, 0, Type, 8, 3, 64, 64), Golden.View(number, 1, Type, 8, 3, 64, 64), 0.01);
            return loss.to(float64).item<double>();
        }

        public OurTraining Copy(ScalarType type)
        {
            var copy = new OurTraining(Config, type);
            using var scope = NewDisposeScope();
            StateDictionary.Load(
                "a copy",
                copy.Method.state_dict().Select(item => (item.Key, item.Value)),
                Method.state_dict());
            StateDictionary.Load(
                "a copy",
                copy.Optimizer.Velocities,
                Optimizer.Velocities.ToDictionary(item => item.Name, item => item.Velocity));
            copy.Method.Queue.Resume(Method.Queue.Position);
            return copy;
        }

        public void AssertNear(ForeignWeights expected, double tolerance)
        {
            var compared = 0;
            foreach (var (name, value) in Method.Encoder.state_dict())
            {
                Near(name, value, expected.Query[name]);
            }

            foreach (var (name, value) in Method.KeyEncoder.state_dict())
            {
                Near("key " + name, value, expected.Key![name]);
            }

            foreach (var (name, velocity) in Optimizer.Velocities)
            {
                Near("velocity " + name, velocity, expected.Velocities![name["encoder_q.".Length..]]);
            }

            Near("queue", Method.Queue.Keys.to(float32), expected.Queue!); // which is read in float32
            Assert.Equal(expected.QueuePosition, Method.Queue.Position);
            Assert.True(compared > 300, $"only {compared} tensors were compared");

            void Near(string name, Tensor actual, Tensor other)
            {
                compared++;
                var difference = Golden.Difference(actual, other);
                Assert.True(difference < tolerance, $"{name} differs by {difference:G3}");
            }
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            Method.Dispose();
        }
    }
}
