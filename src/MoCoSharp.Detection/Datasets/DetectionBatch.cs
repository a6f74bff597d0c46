namespace MoCoSharp.Detection.Datasets;

/// <summary>Images of a step, in one block of memory; each lies in its upper left corner, and the rest is 0.</summary>
internal sealed class DetectionBatch
{
    /// <summary>Puts views together.</summary>
    /// <param name="views">At least one.</param>
    /// <param name="items">Where each comes from.</param>
    public DetectionBatch(IReadOnlyList<DetectionView> views, IReadOnlyList<StreamItem> items)
    {
        ArgumentNullException.ThrowIfNull(views);
        Views = views;
        Items = items;
        Width = views.Max(view => view.Width);
        Height = views.Max(view => view.Height);
        var rowLength = 3 * Width;
        Pixels = new float[(long)views.Count * Height * rowLength];
        for (var n = 0; n < views.Count; n++)
        {
            for (var y = 0; y < views[n].Height; y++)
            {
                views[n]
                    .Pixels.AsSpan(3 * y * views[n].Width, 3 * views[n].Width)
                    .CopyTo(Pixels.AsSpan(((n * Height) + y) * rowLength));
            }
        }
    }

    /// <summary>RGB, normalised. Length N x Height x Width x 3.</summary>
    public float[] Pixels { get; }

    /// <summary>Of the widest image, in pixels.</summary>
    public int Width { get; }

    /// <summary>Of the tallest image, in pixels.</summary>
    public int Height { get; }

    /// <summary>Sizes and boxes of the images.</summary>
    public IReadOnlyList<DetectionView> Views { get; }

    /// <summary>Which images they are.</summary>
    public IReadOnlyList<StreamItem> Items { get; }

    /// <summary>Seconds that the caller waited for it.</summary>
    public double WaitSeconds { get; internal set; }
}
