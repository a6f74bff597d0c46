using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace MoCoSharp.Benchmarks;

/// <summary>Ratios in a table, each with both sides and a word on what limits the rest.</summary>
internal sealed class Report(int threads, int rounds)
{
    private readonly List<string> rows = [];
    private readonly List<string> notes = [];

    public void Row(string what, string peer, string ours, string ratio, string limit)
    {
        rows.Add($"| {what} | {peer} | {ours} | {ratio} | {limit} |");
        Console.Error.WriteLine(rows[^1]);
    }

    public void Note(string text)
    {
        notes.Add(text);
        Console.Error.WriteLine(text);
    }

    public static string Number(FormattableString text) => FormattableString.Invariant(text);

    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine("# A training step against the official algorithm").AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Processor()}, {threads} torch threads, {RuntimeInformation.OSDescription}, " +
            $"{RuntimeInformation.FrameworkDescription}, TorchSharp 0.107.0 with libtorch 2.10.0.");
        text.AppendLine(
                CultureInfo.InvariantCulture,
                $"Medians of {rounds} rounds, both sides in turn; of a whole step, five in each process after four " +
                $"that warm up; `dotnet run -c Release --project bench/MoCoSharp.Benchmarks -- step`.")
            .AppendLine();
        text.AppendLine("| what | official algorithm, same kernels | MoCoSharp | ratio | what limits the rest |")
            .AppendLine("|---|---|---|---|---|");
        rows.ForEach(row => text.AppendLine(row));
        text.AppendLine();
        notes.ForEach(note => text.AppendLine("- " + note));
        return text.ToString();
    }

    private static string Processor()
    {
        var line = File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return $"{line?.Split(':')[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString()}, " +
            $"{Environment.ProcessorCount} cores";
    }
}
