using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;

namespace MoCoSharp.Detection.Pictures;

/// <summary>A false positive, or a missed object.</summary>
/// <param name="Image">Index of the image.</param>
/// <param name="What">A description.</param>
/// <param name="Box">The box.</param>
/// <param name="Weight">
/// How bad it is: the score of a false positive, or 1 - the best score that overlaps a missed object.
/// </param>
internal sealed record Mistake(int Image, string What, FoundObject Box, double Weight);

/// <summary>Finds the worst mistakes of a detector.</summary>
internal static class Mistakes
{
    private const double Meets = 0.5;   // IoU of a match
    private const double Touches = 0.1; // IoU; lower is background

    /// <summary>The mistakes in all images, the worst first.</summary>
    /// <param name="images">The images with their true boxes. Difficult objects and crowds are ignored.</param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">Detections in these images.</param>
    public static IReadOnlyList<Mistake> Of(
        BoxedImages images,
        IReadOnlyList<int> judged,
        IReadOnlyList<FoundObject> found)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        var finds = found.ToLookup(item => item.Image);
        return
        [
            .. judged
                .SelectMany(image => Of(images, image, [.. finds[image].OrderByDescending(item => item.Score)]))
                .OrderByDescending(item => item.Weight),
        ];
    }

    private static IEnumerable<Mistake> Of(BoxedImages images, int image, FoundObject[] finds)
    {
        var truths = images[image].Boxes;
        var taken = new bool[truths.Count];
        foreach (var find in finds)
        {
            int[] order = [.. Enumerable.Range(0, truths.Count).OrderByDescending(g => Iou(truths[g], find))];
            var same = order
                .Where(g => truths[g].Label == find.Label && Iou(truths[g], find) >= Meets)
                .Cast<int?>()
                .FirstOrDefault(g => !taken[g!.Value] || !Counts(truths[g.Value]));
            if (same is { } hit)
            {
                taken[hit] = true;
                continue;
            }

            var name = images.ClassNames[find.Label];
            var best = order.Length == 0 ? null : (int?)order[0];
            var iou = best is { } g ? Iou(truths[g], find) : 0;
            if (best is not { } meets || iou < Touches)
            {
                yield return new Mistake(image, $"{name}, and there is nothing", find, find.Score);
            }
            else if (Counts(truths[meets]))
            {
                var true_ = images.ClassNames[truths[meets].Label];
                yield return new Mistake(
                    image,
                    iou < Meets ? $"{name}, badly placed"
                        : truths[meets].Label == find.Label ? $"{name}, found twice"
                        : $"{name}, and it is {true_}",
                    find,
                    find.Score);
            }
        }

        for (var g = 0; g < truths.Count; g++)
        {
            if (!taken[g] && Counts(truths[g]))
            {
                var best = finds
                    .Where(find => find.Label == truths[g].Label && Iou(truths[g], find) >= Touches)
                    .Select(find => find.Score)
                    .DefaultIfEmpty(0)
                    .Max();
                yield return new Mistake(
                    image,
                    $"missed: {images.ClassNames[truths[g].Label]}",
                    new FoundObject(
                        image, truths[g].Label, 0, truths[g].Left, truths[g].Top, truths[g].Right, truths[g].Bottom),
                    1 - best);
            }
        }
    }

    private static bool Counts(ObjectBox box) => !box.IsDifficult && !box.IsCrowd;

    private static double Iou(ObjectBox truth, FoundObject find)
    {
        var width = Math.Min(truth.Right, find.Right) - Math.Max(truth.Left, find.Left);
        var height = Math.Min(truth.Bottom, find.Bottom) - Math.Max(truth.Top, find.Top);
        var common = width <= 0 || height <= 0 ? 0 : width * height;
        return common / ((truth.Width * truth.Height) + ((find.Right - find.Left) * (find.Bottom - find.Top)) - common);
    }
}
