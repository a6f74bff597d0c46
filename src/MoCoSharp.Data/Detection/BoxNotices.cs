using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Detection;

/// <summary>What becomes of a box that is not as it should be.</summary>
internal static class BoxNotices
{
    /// <summary>The box, cut to its image; null, and told, where nothing is left.</summary>
    /// <param name="notices">Counts it.</param>
    /// <param name="box">As annotated.</param>
    /// <param name="width">Of the image.</param>
    /// <param name="height">Of the image.</param>
    /// <param name="place">Where it stands.</param>
    public static ObjectBox? Inside(this Tally notices, ObjectBox box, int width, int height, string place)
    {
        if (!double.IsFinite(box.Left) || !double.IsFinite(box.Top) || !double.IsFinite(box.Right) || !double.IsFinite(box.Bottom))
        {
            notices.Add("boxes whose corners are no numbers were dropped", place);
            return null;
        }

        if (box.Width <= 0 || box.Height <= 0)
        {
            notices.Add("boxes without area were dropped", place);
            return null;
        }

        var cut = box with
        {
            Left = Math.Clamp(box.Left, 0, width), Top = Math.Clamp(box.Top, 0, height),
            Right = Math.Clamp(box.Right, 0, width), Bottom = Math.Clamp(box.Bottom, 0, height),
        };
        if (cut.Width <= 0 || cut.Height <= 0)
        {
            notices.Add("boxes outside their image were dropped", place);
            return null;
        }

        if (cut != box)
        {
            notices.Add("boxes that leave their image were cut to it", place);
        }

        return cut;
    }
}
