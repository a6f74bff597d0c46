// Our step beside the official algorithm and the strong peer, in turn, each in a process of its own; writes a table of
// ratios. With --avx2, in float32 as on a processor without AVX-512.
// dotnet run -c Release --project bench/MoCoSharp.Benchmarks -- step [--rounds 3] [--threads 2] [--only parts,r18,r50]
// [--avx2] [--out bench/results/MACHINE/step.md]
// What each fast kernel gains, in turn in one process:
// dotnet run -c Release --project bench/MoCoSharp.Benchmarks -- kernels [--rounds 3] [--threads 2] [--only r18,r50]
// [--precision bf16]
// 3x3 convolutions of many shapes by each kernel, in turn in one process:
// dotnet run -c Release --project bench/MoCoSharp.Benchmarks -- convolutions [--rounds 3] [--threads 2]
using MoCoSharp.Benchmarks;

var rounds = Count("--rounds", otherwise: 3);
var threads = Count("--threads", otherwise: Environment.ProcessorCount);
var isAvx2 = args.Contains("--avx2");
var only = (Option("--only") ?? "parts,r18,r50").Split(',');
if (args is ["kernels", ..] && !isAvx2 && rounds >= 1 && threads >= 1 && !only.Except(["parts", "r18", "r50"]).Any())
{
    foreach (var model in only.Where(name => name != "parts"))
    {
        KernelGains.Measure(model, Option("--precision") ?? "bf16", rounds, threads);
    }

    return 0;
}

if (args is ["convolutions", ..] && rounds >= 1 && threads >= 1)
{
    Convolutions.Measure(rounds, threads);
    return 0;
}

if (args is not ["step", ..] || rounds < 1 || threads < 1 || only.Except(["parts", "r18", "r50"]).Any())
{
    Console.Error.WriteLine(
        "expected: step [--avx2] [--out FILE], kernels or convolutions, and [--rounds N] [--threads N] " +
        $"[--only parts,r18,r50], N above 0; found: {string.Join(' ', args)}");
    return 2;
}

var report = new Report(threads, rounds, isAvx2);
if (only.Contains("parts") && !isAvx2)
{
    Parts.Measure(report, rounds, threads);
}

foreach (var model in only.Where(name => name != "parts"))
{
    WholeStep.Measure(report, model, rounds, threads, isAvx2);
}

Console.WriteLine(report);
if (Option("--out") is { } path)
{
    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    File.WriteAllText(path, report.ToString());
}

return 0;

int Count(string name, int otherwise) =>
    Option(name) is not { } value ? otherwise
    : int.TryParse(value, out var number) ? number
    : 0;

string? Option(string name) =>
    Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
