using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Finds out what a recipe is sized for: the number and size of the images, and the machine.</summary>
internal static class ImageFacts
{
    private const int Looked = 16; // images, whose sizes are read
    private const int UnknownSide = 64; // if none of them can be read

    /// <summary>The facts, without a budget.</summary>
    /// <param name="images">Some of them, spread evenly, are decoded.</param>
    /// <param name="device">The configured device.</param>
    /// <param name="processes">Processes that train together.</param>
    public static PhotoFacts Of(IImageDataset images, string device, int processes) => new(
        images.Count,
        Side(images),
        CpuShare.Cores(processes) * processes,
        device.StartsWith("cuda", StringComparison.Ordinal) ? processes : 0,
        processes);

    private static int Side(IImageDataset images)
    {
        var sides = new List<int>();
        var some = ImageSubset.Spread(images, Looked);
        for (var i = 0; i < some.Count; i++)
        {
            try
            {
                var image = some.Read(i).Image;
                sides.Add(Math.Min(image.Width, image.Height));
            }
            catch (BrokenImageException)
            {
                // The run itself counts and names them.
            }
        }

        return sides.Count == 0 ? UnknownSide : sides.Order().ElementAt(sides.Count / 2);
    }
}
