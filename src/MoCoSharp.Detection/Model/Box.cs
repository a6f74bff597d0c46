namespace MoCoSharp.Detection.Model;

/// <summary>A box in pixels of a network's input: [Left, Right) x [Top, Bottom).</summary>
/// <param name="Left">X of the left edge.</param>
/// <param name="Top">Y of the upper edge.</param>
/// <param name="Right">X of the right edge.</param>
/// <param name="Bottom">Y of the lower edge.</param>
internal readonly record struct Box(float Left, float Top, float Right, float Bottom)
{
    /// <summary>Right - Left.</summary>
    public float Width => Right - Left;

    /// <summary>Bottom - Top.</summary>
    public float Height => Bottom - Top;

    /// <summary>Width x height.</summary>
    public float Area => Width * Height;

    /// <summary>Whether the box has no area.</summary>
    public bool IsEmpty => !(Width > 0 && Height > 0);

    /// <summary>Whether all corners are finite.</summary>
    public bool IsFinite => float.IsFinite(Left + Top + Right + Bottom);

    /// <summary>Intersection over union, 0 to 1; 0 if the boxes do not overlap.</summary>
    public float Iou(Box other)
    {
        var width = MathF.Min(Right, other.Right) - MathF.Max(Left, other.Left);
        var height = MathF.Min(Bottom, other.Bottom) - MathF.Max(Top, other.Top);
        if (width <= 0 || height <= 0)
        {
            return 0;
        }

        var common = width * height;
        return common / (Area + other.Area - common);
    }

    /// <summary>The part inside an image.</summary>
    public Box Clip(float width, float height) =>
        new(
            Math.Clamp(Left, 0, width), Math.Clamp(Top, 0, height), Math.Clamp(Right, 0, width),
            Math.Clamp(Bottom, 0, height));
}
