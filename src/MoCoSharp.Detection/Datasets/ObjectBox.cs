namespace MoCoSharp.Detection.Datasets;

/// <summary>An object in an image: its class, and its box in pixels from the upper left corner.</summary>
/// <param name="Left">Left edge. The box covers [Left, Right) x [Top, Bottom).</param>
/// <param name="Top">Top edge.</param>
/// <param name="Right">Right edge, greater than Left.</param>
/// <param name="Bottom">Bottom edge, greater than Top.</param>
/// <param name="Label">Class id, 0 or more.</param>
internal readonly record struct ObjectBox(double Left, double Top, double Right, double Bottom, int Label)
{
    /// <summary>
    /// Pascal VOC: the evaluation ignores this object, found or missed. Training uses it like any other.
    /// </summary>
    public bool IsDifficult { get; init; }

    /// <summary>
    /// COCO: a region of many objects. Training ignores it; the evaluation ignores detections inside.
    /// </summary>
    public bool IsCrowd { get; init; }

    /// <summary>COCO: area of the object's outline in pixels, for the size range; 0 uses the area of the box.</summary>
    public double OutlineArea { get; init; }

    /// <summary>Right - Left.</summary>
    public double Width => Right - Left;

    /// <summary>Bottom - Top.</summary>
    public double Height => Bottom - Top;

    /// <summary>The area that decides whether an object is small, medium or large, in pixels.</summary>
    public double Area => OutlineArea > 0 ? OutlineArea : Width * Height;
}
