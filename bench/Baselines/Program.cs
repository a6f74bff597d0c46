// What images show without learning: kNN and the fast linear evaluation on raw pixels and on the untrained encoder,
// kNN on a color histogram. The views are those of the recipe's evaluation; raw pixels have at most 32 x 32.
// dotnet run -c Release --project bench/Baselines -- [RECIPE.json [SOURCE]]
using MoCoSharp;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

const long MostValues = 25_000_000;

TorchRuntime.Configure();
var config = RunConfigFile.Load(args.ElementAtOrDefault(0) ?? "recipes/patterns.json");
var (train, validation) = DataSource.Open(args.ElementAtOrDefault(1) ?? config.Data, null);
if (validation is null)
{
    Console.Error.WriteLine($"{train.Description}: there are no images to judge by.");
    return 2;
}

var view = ViewRecipes.Evaluation(config.Views);
var loader = config.Loader with { Workers = 1 };
var side = PixelFeatures.Side(view, 32);
Score("color histogram, 8 x 8 x 8", linear: false, data => FeatureExtractor.Collect(
    batch => PixelFeatures.Histogram(batch, view.Normalize), data, PixelFeatures.ColorView(view), loader));
Score($"raw pixels {side} x {side}, mean of the image subtracted", linear: true, data => FeatureExtractor.Collect(
    batch => PixelFeatures.Pixels(batch, view.Normalize, side), data, view, loader));
using var method = config.CreateMethod(train.Count, SingleProcess.Instance);
Score("untrained encoder, pooled", linear: true, data => ByEncoder(data, FeatureLayer.Pooled));
Score("untrained encoder, head", linear: false, data => ByEncoder(data, FeatureLayer.Head));
return 0;

void Score(string name, bool linear, Func<IImageDataset, FeatureSet> features)
{
    using var bank = features(train);
    using var queries = features(validation!);
    var options = new KnnOptions { Neighbors = 200, Temperature = 0.1 };
    var nearest = KnnProtocol.Judge(bank, queries, train.ClassNames, options).Scores;
    var (low, high) = nearest.Interval;
    Console.WriteLine(
        FormattableString.Invariant($"{name}: kNN {nearest.Top1:P2} ") +
        FormattableString.Invariant($"(95 %: {100 * low:F2} to {100 * high:F2}; k 200, T 0.1)"));
    if (linear)
    {
        using var some = Thinned(bank, Math.Max(1, (int)(bank.Labels.Length * bank.Values.shape[1] / MostValues)));
        var result = new CachedLinearProbe(new LinearOptions()) { OptimumIterations = 100 }.Run(
            some, queries, train.ClassNames, CancellationToken.None);
        Console.WriteLine(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{name}: linear, fast {result.Scores.Top1:P2} (lr {result.Rate}); logistic regression " +
            $"{result.Optimum.Top1:P2} (C {result.Strength}, 100 iterations); " +
            $"learned from {some.Labels.Length} images"));
    }
}

// Every n-th image: raw pixels are many, and a linear classifier on all of them would take hours.
static FeatureSet Thinned(FeatureSet set, int every)
{
    int[] rows = [.. Enumerable.Range(0, set.Labels.Length).Where(row => row % every == 0)];
    return new FeatureSet(
        set.Values.index_select(0, tensor(rows, dtype: int64)),
        [.. rows.Select(row => set.Labels[row])],
        [.. rows.Select(row => set.Indices[row])]);
}

FeatureSet ByEncoder(IImageDataset data, FeatureLayer layer) =>
    FeatureExtractor.Extract(method.Encoder, data, view, layer, loader, CPU, normalize: false);
