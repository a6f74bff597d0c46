using MoCoSharp.Data.Loading;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Evaluation;

/// <summary>Classifiers on the same features as PyTorch's and scikit-learn's (golden/linear.py).</summary>
public sealed class LinearGoldenTests : IDisposable
{
    private const int Classes = 5;
    private readonly SafeTensors golden = Golden.Open("linear.safetensors");

    [Fact]
    public void TheClassifier_TakesPyTorchsSteps()
    {
        using var scope = NewDisposeScope();
        var options = new LinearOptions { LearningRate = 3, Milestones = [6, 8], Epochs = 10 };
        using var classifier = new LinearClassifier(12, Classes, options, CPU);
        using (no_grad())
        {
            classifier.State.First(item => item.Name == "classifier.weight").Tensor.copy_(golden.Tensors["start"]);
        }

        var losses = new List<double>();
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            foreach (
                var (features, labels) in golden.Tensors["features"].split(64).Zip(golden.Tensors["labels"].split(64)))
            {
                losses.Add(classifier.Step(features, labels, options.LearningRateAt(epoch)).to(float64).item<double>());
            }
        }

        Assert.InRange(Golden.Difference(tensor(losses.ToArray()), golden.Tensors["losses"]), 0, 1e-5);
        var state = classifier.State.ToDictionary(item => item.Name, item => item.Tensor);
        Assert.InRange(Golden.Difference(state["classifier.weight"], golden.Tensors["weight"]), 0, 1e-5);
        Assert.InRange(Golden.Difference(state["classifier.bias"], golden.Tensors["bias"]), 0, 1e-5);
        Assert.Equal(Labels("predicted"), Top(classifier.Scores(golden.Tensors["test"])));
    }

    [Fact]
    public void AScan_TrainsEachRateAsThoughAlone_AndADivergedOneHarmsNoOther()
    {
        using var scope = NewDisposeScope();
        var options = new LinearOptions { BatchSize = 32, WeightDecay = 1e-3, Seed = 5 }.Over(10);
        var (features, labels) = (golden.Tensors["features"], Labels("labels"));
        double[] rates = [0.1, 1e30, 1];

        var found = LinearScan.Train(features, labels, Classes, rates, options, null, default);

        Assert.False(found[1].Weight.isfinite().all().item<bool>());
        foreach (var i in new[] { 0, 2 })
        {
            using var alone = new LinearClassifier(12, Classes, options, CPU);
            for (var epoch = 0; epoch < 10; epoch++)
            {
                var rate = (options with { LearningRate = rates[i] }).LearningRateAt(epoch);
                foreach (var rows in EpochOrder.Shuffled(labels.Length, 5, epoch).Chunk(32))
                {
                    alone.Step(
                        features.index_select(0, tensor(rows.Select(row => (long)row).ToArray())),
                        tensor(rows.Select(row => (long)labels[row]).ToArray()),
                        rate);
                }
            }

            Assert.InRange(Golden.Difference(found[i].Weight, alone.Weight), 0, 1e-4);
            Assert.InRange(Golden.Difference(found[i].Bias, alone.Bias), 0, 1e-4);
        }
    }

    [Fact]
    public void LogisticRegression_OfFeaturesThatAreEqualOrEmpty_FindsTheOptimum()
    {
        using var scope = NewDisposeScope();
        var (features, labels) = (golden.Tensors["features"].to(float64), golden.Tensors["labels"]);
        var (first, others) = (features.narrow(1, 0, 3), features.narrow(1, 3, 9));
        var twice = cat([first, others, first, zeros(features.shape[0], 2, dtype: float64)], dim: 1);

        var (weight, bias, converged) = LogisticRegression.Fit(twice, labels, Classes, c: 0.5, tolerance: 1e-9);

        // Two equal features x share a weight: x w + x w with the penalty w^2 + w^2 is one feature sqrt(2) x.
        var single = cat([first * Math.Sqrt(2), others], dim: 1);
        var (expected, expectedBias, _) = LogisticRegression.Fit(single, labels, Classes, c: 0.5, tolerance: 1e-9);
        Assert.True(converged);
        Assert.InRange(Golden.Difference(weight.narrow(1, 0, 3), expected.narrow(1, 0, 3) / Math.Sqrt(2)), 0, 1e-6);
        Assert.InRange(Golden.Difference(weight.narrow(1, 12, 3), expected.narrow(1, 0, 3) / Math.Sqrt(2)), 0, 1e-6);
        Assert.InRange(Golden.Difference(weight.narrow(1, 3, 9), expected.narrow(1, 3, 9)), 0, 1e-6);
        Assert.InRange(weight.narrow(1, 15, 2).abs().max().item<double>(), 0, 1e-12);
        Assert.InRange(Golden.Difference(bias, expectedBias), 0, 1e-6);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(150)]
    public void LogisticRegression_OfCorrelatedFeatures_ConvergesInFewIterations(int classes)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        var own = randn([600, 20], dtype: float64, generator: random);
        var scales = tensor(Enumerable.Range(0, 20).Select(i => Math.Pow(10, -i / 5.0)).ToArray()); // 1 to 1e-4
        var features = (own * scales).mm(randn([20, 20], dtype: float64, generator: random));
        var labels = arange(600, dtype: int64) % classes;

        var (_, _, converged) = LogisticRegression.Fit(features, labels, classes, c: 1, iterations: 40);

        Assert.True(converged);
    }

    [Fact]
    public void LogisticRegression_FindsScikitLearnsOptimum()
    {
        using var scope = NewDisposeScope();

        var (weight, bias, converged) = LogisticRegression.Fit(
            golden.Tensors["features"], golden.Tensors["labels"], Classes, c: 0.5, tolerance: 1e-9);

        Assert.True(converged);
        Assert.InRange(Golden.Difference(weight, golden.Tensors["logistic_weight"]), 0, 1e-4);
        Assert.InRange(
            Golden.Difference(
                bias - bias.mean(),
                golden.Tensors["logistic_bias"] - golden.Tensors["logistic_bias"].mean()),
            0,
            1e-4
        ); // free up to a constant
        Assert.Equal(Labels("logistic_predicted"), Top(golden.Tensors["test"].to(float64).mm(weight.t()) + bias));
    }

    [Fact]
    public void Knn_PredictsAsScikitLearns()
    {
        using var scope = NewDisposeScope();
        var bank = nn.functional.normalize(golden.Tensors["features"], dim: 1);
        var queries = nn.functional.normalize(golden.Tensors["test"], dim: 1);

        var predicted = KnnClassifier.Predict(
            bank, Labels("labels"), queries, Classes, neighbors: 21, temperature: 0.07);

        Assert.Equal(Labels("knn_predicted"), predicted);
    }

    [Fact]
    public void CachedFeatures_GiveAClassifierNearTheOptimum_WithARateChosenOnHeldOutImages()
    {
        using var train = new FeatureSet(
            golden.Tensors["features"].clone(),
            Labels("labels"),
            [.. Enumerable.Range(0, 210)]);
        using var judged = new FeatureSet(
            golden.Tensors["test"].clone(),
            Labels("test_labels"),
            [.. Enumerable.Range(0, 90)]);

        var result = new CachedLinearProbe(new LinearOptions { BatchSize = 32 }.Over(20)).Run(
            train, judged, ["a", "b", "c", "d", "e"], default);

        Assert.Equal(CachedLinearProbe.LearningRates, result.Rates.Select(point => point.Value));
        Assert.Equal(
            result.Rates.Max(point => point.HeldOut),
            result.Rates.First(point => point.Value == result.Rate).HeldOut);
        Assert.InRange(result.Scores.Top1, 0.7, 1); // five classes
        Assert.InRange(result.Optimum.Top1, 0.8, 1);
        Assert.True(result.OptimumConverged);
    }

    public void Dispose() => golden.Dispose();

    private int[] Labels(string name) => [.. golden.Tensors[name].data<long>().Select(label => (int)label)];

    private static int[] Top(Tensor scores) => [.. scores.argmax(1).data<long>().Select(label => (int)label)];
}
