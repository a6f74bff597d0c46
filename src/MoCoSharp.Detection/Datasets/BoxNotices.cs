using System.Globalization;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Corrects or drops faulty boxes, flags and class names, and counts them.</summary>
internal static class BoxNotices
{
    /// <summary>The box, clipped to its image; null, and counted, if nothing is left.</summary>
    /// <param name="notices">Counts the fault.</param>
    /// <param name="box">The annotated box.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="height">Height of the image.</param>
    /// <param name="place">The place in the annotation.</param>
    public static ObjectBox? Inside(this Tally notices, ObjectBox box, int width, int height, string place)
    {
        if (
            !double.IsFinite(box.Left)
            || !double.IsFinite(box.Top)
            || !double.IsFinite(box.Right)
            || !double.IsFinite(box.Bottom))
        {
            notices.Add("boxes whose corners are not numbers were dropped", place);
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
            notices.Add("boxes that exceed their image were clipped to it", place);
        }

        return cut;
    }

    /// <summary>
    /// Reads a flag: 1, 1.0, true or yes; 0, false, no or nothing. Anything else is counted, and read as 0.
    /// </summary>
    /// <param name="notices">Counts the fault.</param>
    /// <param name="key">Name of the flag.</param>
    /// <param name="text">The text of the flag.</param>
    /// <param name="place">The place in the annotation.</param>
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

    /// <summary>Reports classes whose names differ only in spelling.</summary>
    public static void Alike(this Tally notices, IEnumerable<string> classNames)
    {
        foreach (var alike in classNames.GroupBy(Plain, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            notices.Add(
                "classes differ from another only in case, blanks, - or _, and are separate classes",
                string.Join(" and ", alike.Select(name => $"\"{name}\"")));
        }
    }

    /// <summary>A class name without case, blanks, - and _.</summary>
    public static string Plain(string className) =>
        string.Concat(className.Where(letter => !char.IsWhiteSpace(letter) && letter is not ('-' or '_')))
            .ToLowerInvariant();

    /// <summary>A text of an untrusted file, on one line and shortened.</summary>
    public static string Shortened(string text) =>
        string.Concat(
            (text.Length > 60 ? text[..57] + "..." : text).Select(letter => char.IsControl(letter) ? ' ' : letter));
}
