using System.Globalization;
using System.Text.Json;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>An entry of a list in a COCO file.</summary>
/// <param name="Value">A JSON object.</param>
/// <param name="List">Key of the list.</param>
/// <param name="Index">Index in the list, from 0.</param>
internal readonly record struct CocoEntry(JsonElement Value, string List, int Index)
{
    /// <summary>The name of the entry in messages: annotations[2] (id 3).</summary>
    public string Place =>
        CocoFields.TryInteger(Value, "id") is { } id ? $"{List}[{Index}] (id {id})" : $"{List}[{Index}]";
}

/// <summary>Reads the fields of COCO entries, and collects their faults.</summary>
/// <param name="file">Path of the file, for messages.</param>
internal sealed class CocoFields(string file)
{
    private const int FaultsTold = 10;
    private const double LargestExact = 1L << 53; // above this, a double is not exact

    private static readonly string[] Lists = ["images", "annotations", "categories"];

    private readonly List<string> _faults = [];
    private int _more;

    /// <summary>Adds a fault.</summary>
    public void Fault(string what)
    {
        if (_faults.Count < FaultsTold)
        {
            _faults.Add(what);
        }
        else
        {
            _more++;
        }
    }

    /// <summary>Reports all faults so far, up to ten.</summary>
    /// <exception cref="DataSourceException">There is a fault.</exception>
    public void ThrowIfFaulty()
    {
        if (_faults.Count > 0)
        {
            throw new DataSourceException(
                $"{file}: {string.Join("; ", _faults)}{(_more > 0 ? $"; and {_more} more" : "")}.");
        }
    }

    /// <summary>Refuses a file that does not consist of the expected lists.</summary>
    /// <exception cref="DataSourceException">The lists are missing.</exception>
    public void ThrowIfNoObject(JsonElement root)
    {
        const string Expected =
            "expected COCO's instances JSON, an object with the lists \"images\", \"annotations\" and \"categories\"";
        if (root.ValueKind == JsonValueKind.Array)
        {
            throw new DataSourceException(
                $"{file}: is a list of {root.GetArrayLength()} entries, such as a detector's results; {Expected}.");
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new DataSourceException($"{file}: is {Shown(root)}; {Expected}.");
        }

        var lacking = Lists
            .Where(key => !root.TryGetProperty(key, out var list) || list.ValueKind != JsonValueKind.Array)
            .Select(key => $"\"{key}\"").ToList();
        if (lacking.Count > 0)
        {
            var keys = root.EnumerateObject()
                .Take(5)
                .Select(item => BoxNotices.Shortened(item.Name))
                .DefaultIfEmpty("none");
            throw new DataSourceException(
                $"{file}: has no list {string.Join(", ", lacking)}; {Expected}. Its keys are {string.Join(", ", keys)}."
            );
        }
    }

    /// <summary>The entries of a list.</summary>
    public IEnumerable<CocoEntry> List(JsonElement root, string key)
    {
        var index = 0;
        foreach (var item in root.GetProperty(key).EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object)
            {
                yield return new CocoEntry(item, key, index);
            }
            else
            {
                Fault($"{key}[{index}] is {Shown(item)}, expected an object");
            }

            index++;
        }
    }

    /// <summary>An integer: 7, 7.0, "7" or "7.0". Anything else is a fault.</summary>
    public long Integer(CocoEntry item, string key)
    {
        if (TryInteger(item.Value, key) is { } number)
        {
            return number;
        }

        Fault(item.Value.TryGetProperty(key, out var value)
            ? $"{item.Place}: \"{key}\" is {Shown(value)}, expected a whole number such as 7 or \"7\""
            : $"{item.Place}: has no \"{key}\", expected a whole number such as 7 or \"7\"");
        return 0;
    }

    /// <summary>A text of 1 to 1024 characters. Anything else is a fault.</summary>
    public string Text(CocoEntry item, string key)
    {
        var has = item.Value.TryGetProperty(key, out var value);
        var text = has && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        if (text.Length is 0 or > 1024 || text.Contains('\0'))
        {
            var found = has ? $"\"{key}\" is {Shown(value)}" : $"has no \"{key}\"";
            Fault($"{item.Place}: {found}, expected a text of 1 to 1024 characters");
        }

        return text;
    }

    /// <summary>An integer; null if there is none.</summary>
    public static long? TryInteger(JsonElement item, string key)
    {
        if (!item.TryGetProperty(key, out var value) || double.IsNaN(Real(value)))
        {
            return null;
        }

        if (
            long.TryParse(
                Plain(value)!.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var real = Real(value);
        return real == Math.Floor(real) && Math.Abs(real) <= LargestExact ? (long)real : null;
    }

    /// <summary>A number, or a text that contains one; NaN for anything else.</summary>
    public static double Real(JsonElement value) =>
        value.ValueKind is JsonValueKind.Number or JsonValueKind.String
        && double.TryParse(Plain(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : double.NaN;

    /// <summary>A value as text, without quotes; null for null.</summary>
    public static string? Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => value.GetRawText(),
    };

    private static string Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => $"the text \"{BoxNotices.Shortened(value.GetString()!)}\"",
        JsonValueKind.Array => "a list",
        JsonValueKind.Object => "an object",
        _ => BoxNotices.Shortened(value.GetRawText()),
    };
}
