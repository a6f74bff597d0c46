namespace MoCoSharp.Detection.Model;

/// <summary>
/// The anchors of a region proposal network: boxes of every size and aspect ratio around every point of a feature map.
/// </summary>
/// <remarks>
/// Ren et al. 2015, <see href="https://arxiv.org/abs/1506.01497"/>, section 3.1.1. The numbers are detectron2's,
/// without rounding.
/// </remarks>
internal static class AnchorGrid
{
    /// <summary>The anchors around the point (0, 0): by size, then by ratio.</summary>
    /// <param name="sizes">Square roots of areas, in pixels.</param>
    /// <param name="ratios">Height / width.</param>
    public static Box[] Cell(IReadOnlyList<double> sizes, IReadOnlyList<double> ratios)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        ArgumentNullException.ThrowIfNull(ratios);
        var anchors = new List<Box>();
        foreach (var size in sizes)
        {
            foreach (var ratio in ratios)
            {
                var width = Math.Sqrt(size * size / ratio);
                var height = ratio * width;
                anchors.Add(
                    new Box((float)(-width / 2), (float)(-height / 2), (float)(width / 2), (float)(height / 2)));
            }
        }

        return [.. anchors];
    }

    /// <summary>
    /// The anchors of a feature map: by row, then by column, then in the order of the cell.
    /// </summary>
    /// <param name="cell">A anchors around (0, 0).</param>
    /// <param name="height">Height H of the feature map.</param>
    /// <param name="width">Width W of the feature map.</param>
    /// <param name="stride">Pixels from one point to the next. The first point is at 0.</param>
    /// <returns>Length H x W x A.</returns>
    public static Box[] Over(Box[] cell, int height, int width, int stride)
    {
        ArgumentNullException.ThrowIfNull(cell);
        var anchors = new Box[height * width * cell.Length];
        for (var i = 0; i < anchors.Length; i++)
        {
            var (point, shape) = (i / cell.Length, cell[i % cell.Length]);
            float x = point % width * stride, y = point / width * stride;
            anchors[i] = new Box(x + shape.Left, y + shape.Top, x + shape.Right, y + shape.Bottom);
        }

        return anchors;
    }
}
