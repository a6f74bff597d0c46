using System.Globalization;

namespace MoCoSharp.Runs;

/// <summary>Rows of numbers as text: a line for each row, spaces between its numbers. Every bit is kept.</summary>
internal static class NumberRows
{
    /// <summary>The rows as text, without a newline at the end.</summary>
    public static string Write(IEnumerable<IEnumerable<double>> rows) => string.Join('\n', rows.Select(row =>
        string.Join(' ', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))));

    /// <summary>The rows of a text.</summary>
    /// <param name="text">May be empty: no rows.</param>
    /// <param name="columns">Numbers that each row must have.</param>
    /// <param name="fault">Makes the error for a line that is no such row.</param>
    /// <exception cref="InvalidDataException">A line is no such row.</exception>
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
