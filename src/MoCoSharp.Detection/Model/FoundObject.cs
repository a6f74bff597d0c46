namespace MoCoSharp.Detection.Model;

/// <summary>An object that a detector found: [Left, Right) x [Top, Bottom) in pixels of the original image.</summary>
/// <param name="Image">Index in the data set.</param>
/// <param name="Label">Class id.</param>
/// <param name="Score">0 to 1.</param>
/// <param name="Left">X of the left edge.</param>
/// <param name="Top">Y of the upper edge.</param>
/// <param name="Right">X of the right edge.</param>
/// <param name="Bottom">Y of the lower edge.</param>
internal readonly record struct FoundObject(
    int Image, int Label, double Score, double Left, double Top, double Right, double Bottom);
