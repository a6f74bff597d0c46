using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class FeatureSetTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Nearest_WithBrokenFilesAmongTheImages_NamesTheImagesOfANaiveComputation()
    {
        // Broken files before, between and after those that can be read.
        var images = new Patterns(9, 40, seed: 4);
        for (var i = 0; i < images.Count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, $"b{i}.png"), ImageEncoder.Png(images.Read(i).Image));
        }

        foreach (var broken in new[] { "a.png", "b2x.jpg", "b4x.png", "c.jpg" })
        {
            File.WriteAllText(Path.Combine(folder, broken), "no image");
        }

        var photos = ImageFolder.Open(folder);
        Assert.Equal(13, photos.Count);
        using var random = new Generator(5);
        using var encoder = new Encoder(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Small,
                Head = EncoderHead.Linear,
            },
            8,
            bnGroups: 1,
            random);
        using var features = FeatureExtractor.Extract(
            encoder,
            photos,
            ViewRecipes.Evaluation(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 }),
            FeatureLayer.Pooled, new LoaderOptions(), CPU, normalize: false);

        Assert.Equal([.. Enumerable.Range(0, 9).Select(i => $"b{i}.png")], features.Names);
        Assert.Equal(features.Names, features.Indices.Select(photos.NameOf));

        var rows = Rows(features.Values);
        foreach (var name in features.Names!)
        {
            using var query = features[name];
            var nearest = features.Nearest(query, 4);
            var expected = Naive(rows, rows[features.RowOf(name)]).Take(4).ToList();

            Assert.Equal(name, nearest[0].Name);
            Assert.Equal(1, nearest[0].Similarity, 1e-5);
            Assert.All(nearest, neighbor => Assert.Equal(photos.NameOf(neighbor.Index), neighbor.Name));
            Assert.All(
                nearest.Zip(expected),
                pair => Assert.Equal(pair.Second.Similarity, pair.First.Similarity, 1e-5));
            Assert.Equal(expected.Select(item => $"b{item.Row}.png"), nearest.Select(neighbor => neighbor.Name));
        }
    }

    [Fact]
    public void Nearest_IsTheCosine_WhateverTheLengths()
    {
        using var features = Set(
            ["up", "right", "left", "zero", "right again"], [0, 0.5f], [3, 0], [-2, 0], [0, 0], [3, 0]);
        using var query = tensor(new float[] { 20, 10 });

        var nearest = features.Nearest(query, 10);

        // of equal ones, the first in the set
        Assert.Equal(["right", "right again", "up", "zero", "left"], nearest.Select(neighbor => neighbor.Name));
        double[] expected = [2 / Math.Sqrt(5), 2 / Math.Sqrt(5), 1 / Math.Sqrt(5), 0, -2 / Math.Sqrt(5)];
        Assert.All(expected.Zip(nearest), pair => Assert.Equal(pair.First, pair.Second.Similarity, 1e-6));
        Assert.Equal([1, 4, 0, 3, 2], nearest.Select(neighbor => neighbor.Row));
        Assert.Equal([8, 11, 7, 10, 9], nearest.Select(neighbor => neighbor.Index));
    }

    [Fact]
    public void AnImageThatHasNoFeatures_IsRefusedByName()
    {
        using var features = Set(["a.png", "twice.png", "twice.png"], [1, 0], [0, 1], [1, 1]);
        using var unnamed = new FeatureSet(ones(2, 2), [-1, -1], [4, 6]);
        using var query = tensor(new float[] { 1, 0 });

        Assert.Contains(
            "No image named beach.jpg has features",
            Assert.Throws<KeyNotFoundException>(() => features["beach.jpg"]).Message);
        Assert.Contains("a.png", Assert.Throws<KeyNotFoundException>(() => features["beach.jpg"]).Message);
        Assert.Contains(
            "Several images are named twice.png: rows 1 and 2",
            Assert.Throws<KeyNotFoundException>(() => features["twice.png"]).Message);
        Assert.Contains("This set has no names", Assert.Throws<KeyNotFoundException>(() => unnamed["a.png"]).Message);
        Assert.Equal(["image 4", "image 6"], unnamed.Nearest(query, 2).Select(neighbor => neighbor.Name));
    }

    [Fact]
    public void AQueryOfAnotherShape_IsRefused_WithBothShapes()
    {
        using var features = Set(["a"], [1, 0]);
        using var wide = ones(3);
        using var rows = ones(1, 2);

        Assert.Contains("[3], expected [2]", Assert.Throws<ArgumentException>(() => features.Nearest(wide, 1)).Message);
        Assert.Contains(
            "[1, 2], expected [2]",
            Assert.Throws<ArgumentException>(() => features.Nearest(rows, 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => features.Nearest(ones(2), 0));
    }

    private static FeatureSet Set(string[] names, params float[][] rows) => new(
        tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]),
        new int[rows.Length],
        [.. Enumerable.Range(7, rows.Length)],
        names);

    private static double[][] Rows(Tensor values)
    {
        var (flat, columns) = (values.data<float>().ToArray(), (int)values.shape[1]);
        return
        [
            .. Enumerable
                .Range(0, flat.Length / columns)
                .Select(row => flat.Skip(row * columns).Take(columns).Select(value => (double)value).ToArray()),
        ];
    }

    private static IEnumerable<(int Row, double Similarity)> Naive(double[][] rows, double[] query) =>
        rows.Select(
                (row, index) =>
                    (
                        index,
                        row.Zip(query, (a, b) => a * b).Sum()
                            / (Math.Sqrt(row.Sum(a => a * a)) * Math.Sqrt(query.Sum(b => b * b)))))
        .OrderByDescending(item => item.Item2);
}
