using MoCoSharp.Data.Views;

namespace MoCoSharp.Tests.Features;

/// <summary>UMAP as its paper writes it, in float64, with whole matrices: a twin to compare with.</summary>
internal static class NaiveUmap
{
    /// <summary>The weight of each pair, by section 3.1 of the paper. Shape [M, M], 0 where there is none.</summary>
    public static double[,] Weights(double[][] rows, int k)
    {
        var n = rows.Length;
        var directed = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            var nearest = Enumerable.Range(0, n).Where(j => j != i)
                .Select(j => (Distance: Distance(rows[i], rows[j]), j)).Order().Take(k).ToList();
            var rho = nearest[0].Distance;
            var (low, high) = (1e-9, 1e9);
            for (var step = 0; step < 200; step++)
            {
                var middle = Math.Sqrt(low * high);
                var sum = nearest.Sum(item => Math.Exp(-Math.Max(0, item.Distance - rho) / middle));
                (low, high) = sum > Math.Log2(k) ? (low, middle) : (middle, high);
            }

            foreach (var (distance, j) in nearest)
            {
                directed[i, j] = Math.Exp(-Math.Max(0, distance - rho) / low);
            }
        }

        var both = new double[n, n];
        for (var i = 0; i < n; i++)
        {
            for (var j = 0; j < n; j++)
            {
                both[i, j] = directed[i, j] + directed[j, i] - (directed[i, j] * directed[j, i]);
            }
        }

        return both;
    }

    /// <summary>Algorithm 5: moves the places, 500 epochs.</summary>
    public static void Optimize(double[,] weights, double[][] places, double a, double b, SampleRandom random)
    {
        var n = places.Length;
        var heaviest = weights.Cast<double>().Max();
        var moved = new double[n, n]; // how often each pair had its turn
        for (var epoch = 1; epoch < 500; epoch++)
        {
            var rate = 1 - (epoch / 500.0);
            for (var i = 0; i < n; i++)
            {
                for (var j = 0; j < n; j++)
                {
                    if (Math.Floor(epoch * weights[i, j] / heaviest) <= moved[i, j])
                    {
                        continue;
                    }

                    moved[i, j]++;
                    var square = Square(places[i], places[j]);
                    var pull = square > 0
                        ? -2 * a * b * Math.Pow(square, b - 1) / (1 + (a * Math.Pow(square, b)))
                        : 0;
                    Step(places[i], places[j], pull, rate, both: true);
                    for (var draw = 0; draw < 5; draw++)
                    {
                        var other = random.NextInt(n);
                        square = Square(places[i], places[other]);
                        if (other != i)
                        {
                            Step(
                                places[i], places[other],
                                2 * b / ((0.001 + square) * (1 + (a * Math.Pow(square, b)))), rate, both: false);
                        }
                    }
                }
            }
        }
    }

    private static void Step(double[] place, double[] other, double factor, double rate, bool both)
    {
        for (var axis = 0; axis < 2; axis++)
        {
            var step = rate * Math.Clamp(factor * (place[axis] - other[axis]), -4, 4);
            place[axis] += step;
            other[axis] -= both ? step : 0;
        }
    }

    private static double Square(double[] a, double[] b) => Math.Pow(Distance(a, b), 2);

    private static double Distance(double[] a, double[] b) =>
        Math.Sqrt(a.Zip(b).Sum(pair => Math.Pow(pair.First - pair.Second, 2)));
}
