using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>Moves the places of a map, so that neighbors come together and others stay apart.</summary>
/// <remarks>
/// Algorithm 5 of <see href="https://arxiv.org/abs/1802.03426"/>: neighbors attract each other, and five images drawn
/// by chance repel. One thread does all steps in a fixed order, so that the map has the same bits each time.
/// </remarks>
internal static class MapLayout
{
    // 1 / (1 + A d^2B) is closest to a curve that is 1 up to the distance 0.1, and exp(0.1 - d) beyond it.
    internal const float A = 1.5769434f;
    internal const float B = 0.8950608f;

    private const int Repelling = 5; // images drawn by chance, for each attraction
    private const float Longest = 4; // part of a step along one axis
    private const float Softness = 1e-3f; // keeps the repulsion of close images finite
    private const int ManyImages = 10_000;

    /// <summary>Moves the places.</summary>
    /// <param name="graph">The pairs of neighbors.</param>
    /// <param name="places">Shape [M, 2], row by row.</param>
    /// <param name="random">The stream that draws the images that repel.</param>
    /// <param name="progress">Receives the epochs done, and their number.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static void Optimize(
        FuzzyGraph graph, float[] places, ref SampleRandom random, Action<int, int>? progress = null,
        CancellationToken cancellation = default)
    {
        var epochs = places.Length / 2 <= ManyImages ? 500 : 200;
        var heaviest = graph.Weights.Max();
        // The heaviest pair moves in each epoch, others as often as their weight says.
        float[] periods = [.. graph.Weights.Select(weight => heaviest / weight)];
        float[] due = [.. periods];
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            cancellation.ThrowIfCancellationRequested();
            var rate = 1 - ((float)epoch / epochs);
            for (var edge = 0; edge < due.Length; edge++)
            {
                if (due[edge] <= epoch)
                {
                    due[edge] += periods[edge];
                    Attract(places, graph.Heads[edge], graph.Tails[edge], rate);
                    Repel(places, graph.Heads[edge], rate, ref random);
                }
            }

            progress?.Invoke(epoch + 1, epochs);
        }
    }

    private static void Attract(float[] places, int head, int tail, float rate)
    {
        var (x, y) = (places[2 * head] - places[2 * tail], places[(2 * head) + 1] - places[(2 * tail) + 1]);
        var square = (x * x) + (y * y);
        if (square > 0)
        {
            var power = MathF.Pow(square, B);
            var pull = -2 * A * B * power / (square * ((A * power) + 1));
            var (stepX, stepY) = (rate * Limited(pull * x), rate * Limited(pull * y));
            places[2 * head] += stepX;
            places[(2 * head) + 1] += stepY;
            places[2 * tail] -= stepX;
            places[(2 * tail) + 1] -= stepY;
        }
    }

    private static void Repel(float[] places, int head, float rate, ref SampleRandom random)
    {
        var (placeX, placeY) = (places[2 * head], places[(2 * head) + 1]);
        for (var i = 0; i < Repelling; i++)
        {
            var other = random.NextInt(places.Length / 2);
            var (x, y) = (placeX - places[2 * other], placeY - places[(2 * other) + 1]);
            var square = (x * x) + (y * y);
            if (other != head && square > 0)
            {
                var push = 2 * B / ((Softness + square) * ((A * MathF.Pow(square, B)) + 1));
                placeX += rate * Limited(push * x);
                placeY += rate * Limited(push * y);
            }
        }

        (places[2 * head], places[(2 * head) + 1]) = (placeX, placeY);
    }

    private static float Limited(float step) => Math.Clamp(step, -Longest, Longest);
}
