using System.Diagnostics;
using System.Text.Json.Nodes;
using MoCoSharp.Models;
using static MoCoSharp.Benchmarks.Report;

namespace MoCoSharp.Benchmarks;

/// <summary>
/// Whole steps: the official algorithm and the strong peer, on TorchSharp and on Debian's PyTorch, and ours, in turn,
/// each in a process of its own.
/// </summary>
internal static class WholeStep
{
    private const int Steps = 5; // in a process, after four on either side that warm up: a training has thousands

    // What makes .NET, oneDNN, libtorch and MKL use a processor as one without AVX-512.
    private static readonly (string Name, string Value)[] Avx2 =
    [
        ("DOTNET_EnableAVX512", "0"), ("ONEDNN_MAX_CPU_ISA", "AVX2"), ("ATEN_CPU_CAPABILITY", "avx2"),
        ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
    ];

    public static void Measure(Report report, string model, int rounds, int threads, bool isAvx2)
    {
        var (name, peerModel, batch, queue, recipe) = model == "r50"
            ? ("ResNet-50 at 224, batch 16, K=65536", "r50", 16, 65536, "moco-v2-imagenet-r50")
            : ("ResNet-18, CIFAR stem, batch 128, K=4096", "r18-cifar", 128, 4096, "moco-cifar10-r18");
        List<JsonNode> peers = [], pythons = [];
        (string, int)[] wanted = isAvx2 ? [("fp32", 1)] : [("bf16", 1), ("bf16", 8), ("fp32", 1)];
        var variants = wanted.ToDictionary(variant => variant, _ => new List<JsonNode>());
        var precisions = wanted.Select(variant => variant.Item1).Distinct().ToArray();
        var strong = precisions.ToDictionary(precision => precision, _ => new List<JsonNode>());
        var strongPythons = precisions.ToDictionary(precision => precision, _ => new List<JsonNode>());
        string[] peer = [Beside("TorchSharpPeer.dll"), peerModel, $"{batch}", $"{queue}", $"{threads}", $"{Steps}"];
        for (var round = 0; round < rounds; round++)
        {
            peers.Add(Run(isAvx2, "dotnet", peer));
            foreach (var (precision, results) in strong)
            {
                results.Add(Run(isAvx2, "dotnet", [.. peer, precision]));
            }

            foreach (var ((precision, groups), results) in variants)
            {
                results.Add(Run(
                    isAvx2, "dotnet", Beside("moco.dll"), "bench", "step", recipe, "--json", "--steps", $"{Steps}",
                    "--set", $"batchSize={batch}", $"moco.queueSize={queue}",
                    "encoder.head=mlp", $"bnGroups={groups}", $"precision={precision}", $"threads={threads}"));
            }

            if (File.Exists("bench/peers/moco_step.py"))
            {
                string[] options =
                [
                    "--model", peerModel, "--batch", $"{batch}", "--queue", $"{queue}", "--threads", $"{threads}",
                    "--steps", $"{Steps}",
                ];
                pythons.Add(Run(isAvx2, "/usr/bin/python3", ["bench/peers/moco_step.py", .. options]));
                foreach (var (precision, results) in strongPythons)
                {
                    results.Add(Run(
                        isAvx2, "/usr/bin/python3",
                        ["bench/peers/moco_step_strong.py", "--device", "cpu", "--precision", precision, .. options]));
                }
            }
        }

        var official = Median(peers.SelectMany(Seconds));
        var officialMemory = Median(peers.Select(Peak));
        foreach (var ((precision, groups), results) in variants)
        {
            var step = Median(results.Select(result => (double)result["stepMilliseconds"]! / 1000));
            var (rate, gemm) = (
                Median(results.Select(result => (double)result["gigaflops"]!)),
                Median(results.Select(result => (double)result["gemmGigaflops"]!)));
            var memory = Median(results.Select(Peak));
            var norm = groups == 1 ? "norm batch" : $"norm split in {groups}";
            var (careful, carefulMemory) = (
                Median(strong[precision].SelectMany(Seconds)), Median(strong[precision].Select(Peak)));
            report.Row(
                $"{name}, {precision}, {norm}", Number($"{official:F2} s"), Number($"{careful:F2} s"),
                Number($"{step:F2} s"), Number($"{official / step:F2}, {careful / step:F2}"),
                Number($"{rate:F0} GFLOP/s of {gemm:F0} in torch.mm ({rate / gemm:P0})"));
            report.Row(
                $"peak memory of that process", Number($"{officialMemory / 1e9:F2} GB"),
                Number($"{carefulMemory / 1e9:F2} GB"), Number($"{memory / 1e9:F2} GB"),
                Number($"{memory / officialMemory:F2}, {memory / carefulMemory:F2}"),
                "activations kept for the backward pass");
            var phases = results[0]["phases"]!.AsObject().Select(phase =>
            {
                var milliseconds = Median(results.Select(result => (double)result["phases"]![phase.Key]!));
                return Number($"{phase.Key} {milliseconds:F1}");
            });
            report.Note(Number($"{name}, {precision}, {norm}, ms: ") + string.Join(", ", phases));
        }

        if (pythons.Count > 0)
        {
            var python = Median(pythons.SelectMany(Seconds));
            var (encoder, peerEncoder) = (Median(pythons.Select(Encoder)), Median(peers.Select(Encoder)));
            report.Note(
                Number($"{name}: the official algorithm takes {python:F2} s a step on PyTorch ")
                    + Number($"{(string)pythons[0]["torch"]!} and {official:F2} s on TorchSharp; forward and backward ")
                    + Number($"of the encoder alone {encoder:F2} s and {peerEncoder:F2} s ")
                    + Number($"(ratio {peerEncoder / encoder:F2})."));
            foreach (var (precision, results) in strongPythons)
            {
                var onPython = Median(results.Select(result => (double)result["stepMilliseconds"]! / 1000));
                report.Note(
                    Number($"{name}, {precision}: the strong peer takes {onPython:F2} s a step on PyTorch and ")
                        + Number($"{Median(strong[precision].SelectMany(Seconds)):F2} s on TorchSharp."));
            }
        }
    }

    private static IEnumerable<double> Seconds(JsonNode result) =>
        result["seconds"]!.AsArray().Select(value => (double)value!);

    private static double Encoder(JsonNode result) => (double)result["encoderSeconds"]!;

    private static double Peak(JsonNode result) => (double)result["peakBytes"]!;

    private static string Beside(string file) => Path.Combine(AppContext.BaseDirectory, file);

    private static JsonNode Run(bool isAvx2, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        // what our library asks of OpenMP and glibc, for every peer too
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        start.Environment["GOMP_SPINCOUNT"] = "4000";
        start.Environment["GLIBC_TUNABLES"] =
            "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=4294967296:glibc.malloc.top_pad=67108864";
        foreach (var (variable, value) in isAvx2 ? Avx2 : [])
        {
            start.Environment[variable] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonNode.Parse(output)!
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }
}
