// What images betray without learning: kNN and the fast linear evaluation on raw pixels and on the untrained encoder,
// kNN on a colour histogram.
// dotnet run -c Release --project bench/Baselines -- [RECIPE.json [SOURCE]]
using MoCoSharp;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
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

Score("colour histogram, 8 x 8 x 8", linear: false, data => ByPixels(data, Histogram));
Score("raw pixels, mean of the image taken off", linear: true, data => ByPixels(data, RawPixels));
using var method = config.CreateMethod(train.Count, SingleProcess.Instance);
Score("untrained encoder, pooled", linear: true, data => ByEncoder(data, FeatureLayer.Pooled));
Score("untrained encoder, head", linear: false, data => ByEncoder(data, FeatureLayer.Head));
return 0;

void Score(string name, bool linear, Func<IImageDataset, FeatureSet> features)
{
    using var bank = features(train);
    using var queries = features(validation!);
    var options = new KnnOptions { Neighbors = 200, Temperature = 0.1 };
    var nearest = KnnProtocol.Judge(bank, queries, train.ClassNames, options);
    Console.WriteLine(FormattableString.Invariant($"{name}: kNN {nearest.Scores.Top1:P2} (k 200, T 0.1)"));
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

FeatureSet ByEncoder(IImageDataset data, FeatureLayer layer) => FeatureExtractor.Extract(
    method.Encoder, data, ViewRecipes.Evaluation(config.Views), layer, config.Loader with
    {
        Workers = 1,
    },
    CPU,
    normalize: false);

static FeatureSet ByPixels(IImageDataset data, Func<ImageBuffer, float[]> feature)
{
    var (rows, labels) = (new List<float[]>(), new List<int>());
    for (var i = 0; i < data.Count; i++)
    {
        var (image, label) = data.Read(i);
        using (image)
        {
            var values = feature(image);
            var mean = values.Average();
            rows.Add(Array.ConvertAll(values, value => value - mean));
            labels.Add(label);
        }
    }

    if (rows.Exists(row => row.Length != rows[0].Length))
    {
        throw new InvalidDataException($"{data.Description}: images of different sizes have no raw pixels to compare.");
    }

    return new FeatureSet(
        tensor(rows.SelectMany(row => row).ToArray(), [rows.Count, rows[0].Length]),
        [.. labels],
        [.. Enumerable.Range(0, rows.Count)]);
}

static float[] RawPixels(ImageBuffer image)
{
    var values = new float[image.Pixels.Length];
    for (var i = 0; i < values.Length; i++)
    {
        values[i] = image.Pixels[i] / 255f;
    }

    return values;
}

static float[] Histogram(ImageBuffer image)
{
    var counts = new float[512];
    for (var i = 0; i < image.Pixels.Length; i += 3)
    {
        counts[((image.Pixels[i] >> 5) * 64) + ((image.Pixels[i + 1] >> 5) * 8) + (image.Pixels[i + 2] >> 5)]++;
    }

    return counts;
}
