namespace MoCoSharp.Detection.Datasets;

/// <summary>An object in an image: its box, in pixels from the image's upper left corner, and its class.</summary>
/// <param name="Left">Of the first column; the box covers [Left, Right) x [Top, Bottom).</param>
/// <param name="Top">Of the first row.</param>
/// <param name="Right">Above Left.</param>
/// <param name="Bottom">Above Top.</param>
/// <param name="Label">Class id, 0 and up.</param>
public readonly record struct ObjectBox(double Left, double Top, double Right, double Bottom, int Label)
{
    /// <summary>
    /// Pascal VOC: found or not, it does not count in an evaluation. It is trained on like any other.
    /// </summary>
    public bool IsDifficult { get; init; }

    /// <summary>COCO: a region of many objects. Not trained on; whatever is found inside does not count.</summary>
    public bool IsCrowd { get; init; }

    /// <summary>COCO: pixels of the object's outline, by which it is small, medium or large; 0 takes the box.</summary>
    public double OutlineArea { get; init; }

    /// <summary>Right - Left.</summary>
    public double Width => Right - Left;

    /// <summary>Bottom - Top.</summary>
    public double Height => Bottom - Top;

    /// <summary>By which an object is small, medium or large, in pixels.</summary>
    public double Area => OutlineArea > 0 ? OutlineArea : Width * Height;
}
