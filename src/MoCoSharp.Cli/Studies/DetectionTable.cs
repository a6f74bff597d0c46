using System.Text;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// Writes table.md and table.csv of a detection study: one line per encoder, with mean and standard deviation over
/// seeds in percent.
/// </summary>
internal static class DetectionTable
{
    private const string Baseline = "supervised"; // the paper shows differences from it in brackets

    /// <summary>Writes both files atomically. Trainings that are not done leave gaps.</summary>
    public static void Write(
        string folder,
        IReadOnlyList<string> rows,
        IReadOnlyList<(string Row, double Ap50, double Ap, double Ap75)> results,
        IReadOnlyList<string> deviations)
    {
        Directory.CreateDirectory(folder);
        Put("table.md", Markdown(rows, results, deviations));
        Put(
            "table.csv",
            "pre-training,ap50,ap,ap75\n"
                + string.Concat(
                    results.Select(item =>
                        FormattableString.Invariant($"{item.Row},{item.Ap50},{item.Ap},{item.Ap75}\n"))));

        void Put(string name, string text) =>
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    internal static string Markdown(
        IReadOnlyList<string> rows,
        IReadOnlyList<(string Row, double Ap50, double Ap, double Ap75)> results,
        IReadOnlyList<string> deviations)
    {
        var text = new StringBuilder("| pre-training | AP50 | AP | AP75 | seeds |\n|---|---:|---:|---:|---:|\n");
        foreach (var row in rows)
        {
            text.Append(
                $"| {row} | {Cell(item => item.Ap50)} | {Cell(item => item.Ap)} | {Cell(item => item.Ap75)} | " +
                $"{results.Count(item => item.Row == row)} |\n");

            string Cell(Func<(string Row, double Ap50, double Ap, double Ap75), double> number)
            {
                var values = Values(row, number);
                if (values.Count == 0)
                {
                    return "";
                }

                var others = row == Baseline ? [] : Values(Baseline, number);
                var deviation = values.Count < 2
                    ? ""
                    : FormattableString.Invariant($" ± {SeedSpread.Of(values).Deviation:F1}");
                var difference = others.Count == 0
                    ? ""
                    : FormattableString.Invariant($" ({values.Average() - others.Average():+0.0;-0.0;0.0})");
                return FormattableString.Invariant($"{values.Average():F1}") + deviation + difference;
            }

            List<double> Values(string name, Func<(string Row, double Ap50, double Ap, double Ap75), double> number) =>
                [
                    .. results
                        .Where(item => item.Row == name)
                        .Select(number)
                        .Where(double.IsFinite)
                        .Select(value => 100 * value),
                ];
        }

        text.Append(
            "\nIn percent, mean and standard deviation over seeds"
                + (rows.Contains(Baseline) ? $", and in brackets the difference from {Baseline}" : "")
                + ". Each number's protocol is in evaluations/ of its run folder.\n");
        foreach (var deviation in deviations)
        {
            text.Append($"Not the protocol: {deviation}.\n");
        }

        return text.ToString();
    }
}
