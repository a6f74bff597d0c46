using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace MoCoSharp.Benchmarks;

/// <summary>Ratios in a table, each with both sides and a word on what limits the rest.</summary>
/// <param name="threads">Threads of libtorch.</param>
/// <param name="rounds">Rounds of each row.</param>
/// <param name="isAvx2">Whether the processor is used as one without AVX-512.</param>
internal sealed class Report(int threads, int rounds, bool isAvx2)
{
    private readonly List<string> rows = [];
    private readonly List<string> notes = [];

    /// <summary>A row of the table.</summary>
    /// <param name="what">What is measured.</param>
    /// <param name="official">Of the official algorithm, with its unit.</param>
    /// <param name="strong">Of the strong peer; empty if it does the same.</param>
    /// <param name="ours">Of MoCoSharp.</param>
    /// <param name="ratios">To the official algorithm, and to the strong peer.</param>
    /// <param name="limit">Its rate, or what limits it.</param>
    public void Row(string what, string official, string strong, string ours, string ratios, string limit)
    {
        rows.Add($"| {what} | {official} | {strong} | {ours} | {ratios} | {limit} |");
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
        text.AppendLine("# A training step beside the official algorithm and the strong peer").AppendLine();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"{Processor()}{(isAvx2 ? " with AVX2 alone" : "")}, {threads} torch threads, " +
            $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, TorchSharp 0.107.0 with " +
            $"libtorch 2.10.0.");
        text.AppendLine(
                CultureInfo.InvariantCulture,
                $"Medians of {rounds} rounds, all sides in turn; of a whole step, five in each process after four " +
                $"that warm up; `dotnet run -c Release --project bench/MoCoSharp.Benchmarks -- step" +
                $"{(isAvx2 ? " --avx2" : "")}`.");
        text.AppendLine(
                CultureInfo.InvariantCulture,
                $"Limits of these threads: {Limits.Gigaflops(threads, isAvx2):F0} GFLOP/s in float32 from registers, " +
                $"{Limits.GigabytesPerSecond(threads):F0} GB/s read and written by a copy in memory.")
            .AppendLine();
        text.AppendLine("| what | official algorithm | strong peer | MoCoSharp | ratios | rate, or what limits it |")
            .AppendLine("|---|---|---|---|---|---|");
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
