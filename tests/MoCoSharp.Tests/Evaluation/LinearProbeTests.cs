using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Evaluation;

/// <summary>The official protocol in small, on the built-in images.</summary>
public sealed class LinearProbeTests : IDisposable
{
    private static readonly ViewOptions Views = new() { Recipe = ViewRecipe.CifarDemo, Size = 32 };
    private static readonly LinearOptions Options = new LinearOptions { BatchSize = 16, LearningRate = 0.5 }.Over(5);
    private static readonly LoaderOptions Loader = new() { Workers = 1 };
    private static readonly Patterns Train = new(40, 40, seed: 3);
    private static readonly Patterns Judged = new(30, 40, seed: 4);

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly Encoder encoder;

    public LinearProbeTests()
    {
        set_num_threads(1);
        using var random = new Generator(7);
        encoder = new Encoder(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Small,
                Head = EncoderHead.Mlp,
            },
            8,
            bnGroups: 2,
            random);
    }

    [Fact]
    public void TheProbe_DoesWhatANaiveLoopInDoublePrecisionDoes()
    {
        var found = Probe(Options).Run(null, default);

        // The same views through the same encoder in evaluation mode; the classifier by hand.
        using var scope = NewDisposeScope();
        using var classifier = new LinearClassifier(encoder.FeatureSize, 10, Options, CPU);
        var state = classifier.State.ToDictionary(item => item.Name, item => item.Tensor);
        var (weight, bias) = (Array(state["classifier.weight"]), new double[10]);
        var (weightVelocity, biasVelocity) = (new double[10, encoder.FeatureSize], new double[10]);
        var losses = new List<double>();
        for (var epoch = 0; epoch < 5; epoch++)
        {
            double[] rates = [0.5, 0.5, 0.5, 0.05, 0.005]; // x0.1 at 60 % and 80 %
            var (sum, seen) = (0.0, 0);
            foreach (var batch in ViewLoader.Labeled(Train, null, ViewRecipes.Supervised(Views), Loader, 0, epoch, 16))
            {
                using (batch)
                {
                    encoder.eval();
                    using var noGrad = no_grad();
                    var features = Array(encoder.Features(HostMemory.Images(batch.Query, batch.Count, 32, CPU)));
                    sum +=
                        Step(features, batch.Labels, weight, bias, weightVelocity, biasVelocity, rates[epoch])
                        * batch.Count;
                    seen += batch.Count;
                }
            }

            Assert.Equal(40, seen); // 16 + 16 + 8: the last batch is kept
            losses.Add(sum / seen);
        }

        Assert.All(losses.Zip(found.Epochs), pair => Assert.Equal(pair.First, pair.Second.Loss, 1e-4 * pair.First));
    }

    [Fact]
    public void TheEncoder_HasTheSameBitsAfterwards_AndTheSameMode()
    {
        encoder.train();
        var before = WeightHash.Of(encoder);
        Probe(Options.Over(2)).Run(null, default);
        Assert.Equal(before, WeightHash.Of(encoder));
        Assert.True(encoder.training);
    }

    [Fact]
    public void ADriftOfTheBuffers_ChangesTheHash()
    {
        var before = WeightHash.Of(encoder);
        encoder.train();
        using (NewDisposeScope())
        {
            encoder.call(rand(4, 3, 32, 32)); // BatchNorm in training mode, as a probe must not
        }

        Assert.NotEqual(before, WeightHash.Of(encoder));
    }

    [Fact]
    public void AStoppedProbe_ResumesToTheSameNumbers()
    {
        var whole = Probe(Options).Run(null, default);
        var path = Path.Combine(folder, "state.safetensors");
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            Probe(
                    Options,
                    done =>
                    {
                        if (done.Epoch == 2)
                        {
                            stop.Cancel();
                        }
                    })
                .Run(path, stop.Token));

        var resumed = Probe(Options).Run(path, default);

        Assert.Equal(whole.Epochs, resumed.Epochs);
        Assert.Equal(whole.Scores.Confusion.Cast<long>(), resumed.Scores.Confusion.Cast<long>());
    }

    [Fact]
    public void AStateOfAnotherProtocol_IsRefused()
    {
        var path = Path.Combine(folder, "state.safetensors");
        Probe(Options.Over(1)).Run(path, default);
        Assert.Contains(
            "its protocol is",
            Assert.Throws<InvalidDataException>(() => Probe(Options).Run(path, default)).Message);
    }

    [Fact]
    public void TheLastEpoch_IsReportedBesideTheBest()
    {
        var result = new ClassificationResult(
            [new(1, 1, 1, 0.5, 1), new(2, 1, 1, 0.7, 1), new(3, 1, 1, 0.7, 1), new(4, 1, 1, 0.6, 1)],
            new ClassificationScores(["a"]));
        Assert.Equal((4, 2), (result.Last.Epoch, result.Best.Epoch));
    }

    [Fact]
    public void TheDefaults_AreTheOfficialProtocol()
    {
        var official = new LinearOptions();
        Assert.Equal(
            [30, 30, 3, 3, 0.3],
            new[] { 0, 59, 60, 79, 80 }.Select(official.LearningRateAt),
            (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(
            (100, 256, 0.9, 0.0),
            (official.Epochs, official.BatchSize, official.Momentum, official.WeightDecay));
        Assert.Collection(
            // the pre-training's crops are its own
            ViewRecipes.Supervised(new ViewOptions { CropScaleMin = 0.5 }).Operations,
            operation => Assert.Contains("0.08", operation.Describe()),
            operation => Assert.IsType<HorizontalFlip>(operation));
        Assert.Contains("official", Probe(Options).Protocol);
    }

    public void Dispose()
    {
        encoder.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private LinearProbe Probe(LinearOptions options, Action<EpochScores>? done = null) =>
        new(encoder, Train, Judged, Views, options, Loader, CPU) { EpochDone = done };

    private static double[,] Array(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var flat = tensor.to(float64).contiguous().data<double>().ToArray();
        var result = new double[tensor.shape[0], tensor.shape[1]];
        Buffer.BlockCopy(flat, 0, result, 0, flat.Length * sizeof(double));
        return result;
    }

    // Softmax regression, one batch: v = 0.9 v + g, w -= rate v. Returns the mean loss before it.
    private static double Step(
        double[,] features, int[] labels, double[,] weight, double[] bias, double[,] weightVelocity,
        double[] biasVelocity, double rate)
    {
        var (count, classes, width) = (features.GetLength(0), bias.Length, features.GetLength(1));
        var (weightGradient, biasGradient, loss) = (new double[classes, width], new double[classes], 0.0);
        for (var n = 0; n < count; n++)
        {
            var scores = Enumerable
                .Range(0, classes)
                .Select(c => bias[c] + Enumerable.Range(0, width).Sum(d => weight[c, d] * features[n, d]))
                .ToArray();
            var sum = scores.Sum(Math.Exp);
            loss -= Math.Log(Math.Exp(scores[labels[n]]) / sum) / count;
            for (var c = 0; c < classes; c++)
            {
                var error = ((Math.Exp(scores[c]) / sum) - (c == labels[n] ? 1 : 0)) / count;
                biasGradient[c] += error;
                for (var d = 0; d < width; d++)
                {
                    weightGradient[c, d] += error * features[n, d];
                }
            }
        }

        for (var c = 0; c < classes; c++)
        {
            biasVelocity[c] = (0.9 * biasVelocity[c]) + biasGradient[c];
            bias[c] -= rate * biasVelocity[c];
            for (var d = 0; d < width; d++)
            {
                weightVelocity[c, d] = (0.9 * weightVelocity[c, d]) + weightGradient[c, d];
                weight[c, d] -= rate * weightVelocity[c, d];
            }
        }

        return loss;
    }
}
