using System.Numerics;

namespace MoCoSharp.Cli.Reports;

/// <summary>Turns a map, since the direction of a layout by UMAP has no meaning.</summary>
internal static class MapTurn
{
    /// <summary>
    /// Turns or mirrors places about their center, so that they lie as close as possible to other places of the same
    /// images. Distances stay.
    /// </summary>
    /// <param name="places">Shape [M, 2], row by row.</param>
    /// <param name="model">The other places. Shape [M, 2], row by row.</param>
    /// <returns>Shape [M, 2], row by row, with the center of the model.</returns>
    /// <remarks>The orthogonal Procrustes problem, in complex numbers: a turn is a factor of length 1.</remarks>
    public static float[] Like(float[] places, float[] model)
    {
        var (from, to) = (Points(places), Points(model));
        var (center, goal) = (Mean(from), Mean(to));
        Complex turned = 0, mirrored = 0;
        for (var i = 0; i < from.Length; i++)
        {
            turned += Complex.Conjugate(from[i] - center) * (to[i] - goal);
            mirrored += (from[i] - center) * (to[i] - goal);
        }

        // The sum of squared distances is smallest for the longer of the two.
        var mirrors = mirrored.Magnitude > turned.Magnitude;
        var factor = Direction(mirrors ? mirrored : turned);
        return [.. from.SelectMany(point => Pair(goal + (factor * Side(point - center, mirrors))))];
    }

    private static Complex Side(Complex point, bool mirrors) => mirrors ? Complex.Conjugate(point) : point;

    private static Complex Direction(Complex sum) => sum.Magnitude > 0 ? sum / sum.Magnitude : 1;

    private static Complex[] Points(float[] places) =>
        [.. places.Chunk(2).Select(pair => new Complex(pair[0], pair[1]))];

    private static Complex Mean(Complex[] points) =>
        points.Aggregate(Complex.Zero, (sum, point) => sum + point) / points.Length;

    private static float[] Pair(Complex point) => [(float)point.Real, (float)point.Imaginary];
}
