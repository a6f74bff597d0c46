using System.Globalization;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Losses;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests;

/// <summary>The loop of docs/how-to/library.md, run as it stands there.</summary>
public sealed class OwnLoopTests : IDisposable
{
    private readonly TextWriter console = Console.Out;
    private readonly StringWriter said = new();

    public OwnLoopTests() => Console.SetOut(said);

    [Fact]
    public void ALoopFromParts_LowersTheLoss_OnceTheQueueIsFull()
    {
        var images = new Patterns(64, 40, seed: 1);

        var options = new EncoderOptions { Depth = 18, Stem = EncoderStem.Small, Width = 8, Head = EncoderHead.Mlp };
        using var encoderQ = new Encoder(options, outputSize: 32, bnGroups: 4, new Generator(0));
        using var encoderK = new Encoder(options, outputSize: 32, bnGroups: 4, new Generator(0)); // equal weights
        using var queue = new KeyQueue(dimension: 32, size: 128, new Generator(1));
        using var sgd = optim.SGD(encoderQ.parameters(), learningRate: 0.03, momentum: 0.9, weight_decay: 1e-4);
        using var views = ViewLoader.Open(
            images, ViewRecipes.MoCoV2(new ViewOptions { Size = 32 }), new LoaderOptions(), seed: 0, batchSize: 16);

        var step = 0;
        for (var epoch = 0; epoch < 8; epoch++)
        {
            foreach (var batch in views.Epoch(epoch))
            {
                using var scope = NewDisposeScope();
                var queryViews = HostMemory.Images(batch.Query, batch.Count, batch.Size, CPU); // [N, 3, H, W]
                var keyViews = HostMemory.Images(batch.Key, batch.Count, batch.Size, CPU);
                batch.Dispose();

                // A key must not share a BatchNorm group with its query: the network would match their statistics.
                var order = tensor(KeyShuffle.Order(seed: 0, step, half: 0, keyViews.shape[0]));
                Tensor keys; // [N, C]
                using (no_grad())
                {
                    MovingAverage.Update(encoderK.parameters(), encoderQ.parameters(), momentum: 0.99);
                    keys = nn.functional.normalize(encoderK.call(keyViews[order]), dim: 1)[order.argsort()];
                }

                var queries = nn.functional.normalize(encoderQ.call(queryViews), dim: 1); // [N, C]
                var loss = InfoNce.Loss(queries, keys, queue.Keys, temperature: 0.2).Loss;
                sgd.zero_grad();
                loss.backward();
                sgd.step();
                queue.Enqueue(keys);
                Console.WriteLine($"step {++step}: loss {loss.item<float>():F3}");
            }
        }

        var losses = said.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => float.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture))
            .ToList();
        Assert.Equal(32, losses.Count);
        Assert.Equal(FirstLoss(options, views), losses[0], 0.002);
        var full = 128 / 16; // steps until keys of the encoder fill the queue: the loss rises until then
        Assert.True(losses[^4..].Average() < losses[full..(full + 4)].Average(), $"{said}");
    }

    // The loss of the first step, image by image in double precision, with the key of each image found by its place.
    private static double FirstLoss(EncoderOptions options, ViewLoader views)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var encoder = new Encoder(options, outputSize: 32, bnGroups: 4, new Generator(0));
        using var queue = new KeyQueue(dimension: 32, size: 128, new Generator(1));
        using var batch = views.Epoch(0).First();
        var order = KeyShuffle.Order(seed: 0, step: 0, half: 0, batch.Count);
        var shuffled = HostMemory.Images(batch.Key, batch.Count, batch.Size, CPU)[tensor(order)];
        var keys = Rows(nn.functional.normalize(encoder.call(shuffled), dim: 1));
        var queries = Rows(nn.functional.normalize(
            encoder.call(HostMemory.Images(batch.Query, batch.Count, batch.Size, CPU)), dim: 1));
        var negatives = Rows(queue.Keys);
        return queries.Select((query, image) =>
        {
            var positive = Math.Exp(Dot(query, keys[Array.IndexOf(order, (long)image)]) / 0.2);
            return -Math.Log(positive / (positive + negatives.Sum(key => Math.Exp(Dot(query, key) / 0.2))));
        }).Average();

        static float[][] Rows(Tensor values) =>
            [.. Enumerable.Range(0, (int)values.shape[0]).Select(i => values[i].data<float>().ToArray())];

        static double Dot(float[] a, float[] b) => a.Zip(b, (x, y) => (double)x * y).Sum();
    }

    public void Dispose()
    {
        Console.SetOut(console);
        said.Dispose();
    }
}
