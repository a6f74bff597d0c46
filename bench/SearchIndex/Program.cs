// Exact search against an approximate index (HNSW, package Cloud.Unum.USearch): time, memory and recall@10 on generated
// L2-normalized rows. The index is built and searched on one thread: the package's C# API is not made for several.
// dotnet run -c Release --project bench/SearchIndex -- [random|groups [ROWS [SIZE]]]
using System.Diagnostics;
using System.Globalization;
using Cloud.Unum.USearch;
using MoCoSharp;
using MoCoSharp.Features;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

const int Queries = 1000;
const int Neighbors = 10;
const int Groups = 100;
const int RowsAtOnce = 10_000;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var kind = args.ElementAtOrDefault(0) ?? "groups";
var count = int.Parse(args.ElementAtOrDefault(1) ?? "50000", CultureInfo.InvariantCulture);
var width = int.Parse(args.ElementAtOrDefault(2) ?? "128", CultureInfo.InvariantCulture);
TorchRuntime.Configure();
using var random = new Generator(1);
using var rows = kind == "random" ? Unit(randn([count, width], generator: random)) : Grouped(); // [M, D]
using var queries = rows.index_select(0, randperm(count, generator: random).narrow(0, 0, Math.Min(count, Queries)));
Console.WriteLine($"{count} x {width}, {kind}, {get_num_threads()} threads");

using var one = queries.narrow(0, 0, 1);
var exact = Measure("exact, 1,000 queries", () => Exact(queries)); // also the warm-up
exact = Measure("exact, 1,000 queries", () => Exact(queries));
Measure("exact, 1 query", () => Exact(one));

using var index = new USearchIndex(MetricKind.Cos, ScalarKind.Float32, (ulong)width);
var before = Process.GetCurrentProcess().WorkingSet64;
Measure("index, build", Build);
Console.WriteLine($"index, memory: {(Process.GetCurrentProcess().WorkingSet64 - before) >> 20} MB");
float[][] asked = [.. Enumerable.Range(0, (int)queries.shape[0]).Select(row => HostMemory.Floats(queries[row]))];
var found = Measure("index, 1,000 queries", () => Search(index, asked));
Measure("index, 1 query", () => Search(index, asked[..1]));
Console.WriteLine($"index, recall@10: {Recall(exact, found):F3}");

var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.usearch");
Measure("index, write", () =>
{
    index.Save(path);
    return 0;
});
Console.WriteLine($"index, file: {new FileInfo(path).Length >> 20} MB");
Measure("index, read", () =>
{
    using var read = new USearchIndex(path);
    return read.Size();
});
File.Delete(path);

int[][] Exact(Tensor some)
{
    var nearest = new int[some.shape[0]][];
    NeighborSearch.Each(
        rows, some, Neighbors, (query, keys) => nearest[query] = [.. keys.Best().Select(best => best.Index)]);
    return nearest;
}

int Build()
{
    for (var first = 0; first < count; first += RowsAtOnce)
    {
        ulong[] keys = [.. Enumerable.Range(first, Math.Min(RowsAtOnce, count - first)).Select(row => (ulong)row)];
        index.Add(keys, [.. keys.Select(row => HostMemory.Floats(rows[(long)row]))]);
    }

    return 0;
}

static int[][] Search(USearchIndex index, float[][] some)
{
    var nearest = new int[some.Length][];
    for (var query = 0; query < some.Length; query++)
    {
        index.Search(some[query], Neighbors, out var keys, out _);
        nearest[query] = [.. keys.Select(key => (int)key)];
    }

    return nearest;
}

static double Recall(int[][] expected, int[][] found) =>
    expected.Zip(found).Average(pair => pair.First.Intersect(pair.Second).Count() / (double)pair.First.Length);

// Other work on the machine makes the time longer, and changes the processor time little.
static T Measure<T>(string what, Func<T> work)
{
    var (watch, busy) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
    var result = work();
    var used = Process.GetCurrentProcess().TotalProcessorTime - busy;
    Console.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:F3} s, processor {used.TotalSeconds:F3} s");
    return result;
}

// Each group has a center and 16 directions in which its rows differ.
Tensor Grouped()
{
    using var scope = NewDisposeScope();
    var parts = new List<Tensor>();
    for (var group = 0; group < Groups; group++)
    {
        var size = (count * (group + 1L) / Groups) - (count * (long)group / Groups);
        var directions = randn([16, width], generator: random);
        var center = randn([1, width], generator: random);
        parts.Add(randn([size, 16], generator: random).mm(directions).div(4).add(center));
    }

    return Unit(cat(parts)).MoveToOuterDisposeScope();
}

static Tensor Unit(Tensor values) => nn.functional.normalize(values, dim: 1);
