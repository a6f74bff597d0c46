namespace MoCoSharp.Detection.Datasets;

/// <summary>The images of a step in one array. Each is in the upper left corner of its block, padded with 0.</summary>
internal sealed class DetectionBatch
{
    /// <summary>Combines views to a batch.</summary>
    /// <param name="views">The views, at least one.</param>
    /// <param name="items">The source of each view.</param>
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

    /// <summary>RGB, normalized. Length N x Height x Width x 3.</summary>
    public float[] Pixels { get; }

    /// <summary>Width of the widest image, in pixels.</summary>
    public int Width { get; }

    /// <summary>Height of the tallest image, in pixels.</summary>
    public int Height { get; }

    /// <summary>Sizes and boxes of the images.</summary>
    public IReadOnlyList<DetectionView> Views { get; }

    /// <summary>The source of each image.</summary>
    public IReadOnlyList<StreamItem> Items { get; }

    /// <summary>Seconds that the caller waited for this batch.</summary>
    public double WaitSeconds { get; internal set; }
}
