using System.Globalization;

namespace MoCoSharp.Runs;

/// <summary>
/// Rows of numbers as text: one line per row, numbers separated by spaces. The conversion is lossless.
/// </summary>
internal static class NumberRows
{
    /// <summary>The rows as text, without a newline at the end.</summary>
    public static string Write(IEnumerable<IEnumerable<double>> rows) => string.Join('\n', rows.Select(row =>
        string.Join(' ', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))));

    /// <summary>Parses the rows of a text.</summary>
    /// <param name="text">Empty for no rows.</param>
    /// <param name="columns">Numbers per row.</param>
    /// <param name="fault">Creates the error for an invalid line.</param>
    /// <exception cref="InvalidDataException">A line is invalid.</exception>
    public static List<double[]> Parse(string text, int columns, Func<string, InvalidDataException> fault) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
            TryParse(line) is { } row && row.Length == columns ? row : throw fault(line))];

    private static double[]? TryParse(string line)
    {
        var texts = line.Split(' ');
        var row = new double[texts.Length];
        for (var i = 0; i < row.Length; i++)
        {
            if (!double.TryParse(texts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out row[i]))
            {
                return null;
            }
        }

        return row;
    }
}
