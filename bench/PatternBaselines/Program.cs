// What the families of `patterns` betray without learning: kNN (k=200, T=0.1, cosine) on raw pixels and on a colour histogram.
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

var (train, validation) = DataSource.Open("patterns", null);
Score("raw pixels, mean taken off", image => [.. image.Pixels.Select(value => value / 255f)]);
Score("colour histogram, 8 x 8 x 8", Histogram);

void Score(string name, Func<ImageBuffer, float[]> feature)
{
    using var scope = NewDisposeScope();
    var (bank, labels) = Features(train, feature);
    var (queries, expected) = Features(validation!, feature);
    var predicted = KnnClassifier.Predict(bank, labels, queries, classes: 10, neighbours: 200, temperature: 0.1);
    Console.WriteLine(FormattableString.Invariant($"{name}: {predicted.Zip(expected).Count(pair => pair.First == pair.Second) / (double)expected.Length:P1}"));
}

static (Tensor Values, int[] Labels) Features(IImageDataset data, Func<ImageBuffer, float[]> feature)
{
    var rows = Enumerable.Range(0, data.Count).Select(i => data.Read(i)).ToList();
    var values = stack([.. rows.Select(row => tensor(feature(row.Image)))]);
    return (nn.functional.normalize(values - values.mean([1], keepdim: true), dim: 1), [.. rows.Select(row => row.Label)]);
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
