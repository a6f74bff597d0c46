using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>The sizes of images as a small table.</summary>
internal static class SizeTable
{
    private const int BarLength = 40;

    // Lower ends of the shorter side, in pixels: the sizes of common views, and their doubles.
    private static readonly int[] Ends = [1, 32, 64, 128, 224, 512, 1024, 2048];

    /// <summary>The most common size, and a line for each range of the shorter side that occurs.</summary>
    /// <param name="images">Images that were read.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<ImageFacts> images)
    {
        if (images.Count == 0)
        {
            yield break;
        }

        var common = images.CountBy(image => (image.Width, image.Height)).MaxBy(size => size.Value);
        if (common.Value == images.Count)
        {
            yield return FormattableString.Invariant($"all are {common.Key.Width} x {common.Key.Height} pixels");
            yield break;
        }

        yield return FormattableString.Invariant(
            $"most common size: {common.Key.Width} x {common.Key.Height} ({Plain.Count(common.Value)} of them)");
        var counts = images.CountBy(image => Range(Math.Min(image.Width, image.Height))).ToDictionary();
        var most = counts.Values.Max();
        var width = Enumerable.Range(0, Ends.Length).Max(range => Name(range).Length);
        yield return $"{"shorter side".PadRight(width)}  images";
        for (var range = counts.Keys.Min(); range <= counts.Keys.Max(); range++)
        {
            var count = counts.GetValueOrDefault(range);
            var bar = new string('#', (int)Math.Ceiling((double)BarLength * count / most));
            yield return $"{Name(range).PadRight(width)}  {Plain.Count(count),9}  {bar}".TrimEnd();
        }
    }

    private static int Range(int side) => Array.FindLastIndex(Ends, end => end <= side);

    private static string Name(int range) =>
        range == Ends.Length - 1 ? $"{Ends[range]} and more" : $"{Ends[range]} to {Ends[range + 1] - 1}";
}
