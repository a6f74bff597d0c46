using System.Globalization;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>What becomes of boxes, flags and class names that are not as they should be.</summary>
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
        if (
            !double.IsFinite(box.Left)
            || !double.IsFinite(box.Top)
            || !double.IsFinite(box.Right)
            || !double.IsFinite(box.Bottom))
        {
            notices.Add("boxes whose corners are no numbers were dropped", place);
            return null;
        }

        var where = FormattableString.Invariant(
            $"{place} ({box.Left:0.##}, {box.Top:0.##} to {box.Right:0.##}, {box.Bottom:0.##})");
        if (box.Width <= 0 || box.Height <= 0)
        {
            notices.Add("boxes without area were dropped", where);
            return null;
        }

        var cut = box with
        {
            Left = Math.Clamp(box.Left, 0, width), Top = Math.Clamp(box.Top, 0, height),
            Right = Math.Clamp(box.Right, 0, width), Bottom = Math.Clamp(box.Bottom, 0, height),
        };
        if (cut.Width <= 0 || cut.Height <= 0)
        {
            notices.Add("boxes outside their image were dropped", where);
            return null;
        }

        if (cut != box)
        {
            notices.Add("boxes that leave their image were cut to it", place);
        }

        return cut;
    }

    /// <summary>
    /// A flag as it is written: 1, 1.0, true, yes; 0, false, no, or nothing. Anything else is told, and 0.
    /// </summary>
    /// <param name="notices">Counts it.</param>
    /// <param name="key">What it is called there.</param>
    /// <param name="text">What stands there.</param>
    /// <param name="place">Where.</param>
    public static bool Flag(this Tally notices, string key, string? text, string place)
    {
        var plain = text?.Trim().ToLowerInvariant() ?? "";
        if (
            double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is 0 or 1
        )
        {
            return number == 1;
        }

        if (plain is not ("" or "false" or "no" or "true" or "yes"))
        {
            notices.Add($"flags \"{key}\" are neither 0 nor 1 and were taken as 0", $"\"{Shortened(plain)}\" {place}");
        }

        return plain is "true" or "yes";
    }

    /// <summary>Tells classes that are two only by the way they are written.</summary>
    public static void Alike(this Tally notices, IEnumerable<string> classNames)
    {
        foreach (var alike in classNames.GroupBy(Plain, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            notices.Add(
                "classes differ from another only in case, blanks, - or _, and are classes of their own",
                string.Join(" and ", alike.Select(name => $"\"{name}\"")));
        }
    }

    /// <summary>A class name without what is easily written in two ways.</summary>
    public static string Plain(string className) =>
        string.Concat(className.Where(letter => !char.IsWhiteSpace(letter) && letter is not ('-' or '_')))
            .ToLowerInvariant();

    /// <summary>A text from a stranger's file, on one line and not too long.</summary>
    public static string Shortened(string text) =>
        string.Concat(
            (text.Length > 60 ? text[..57] + "..." : text).Select(letter => char.IsControl(letter) ? ' ' : letter));
}
