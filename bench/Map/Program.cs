// Time and memory of a map, and how well it keeps neighbors, on generated features: 100 groups of L2-normalized rows.
// dotnet run -c Release --project bench/Map -- [IMAGES [SIZE]]
using System.Diagnostics;
using System.Globalization;
using MoCoSharp;
using MoCoSharp.Features;
using static TorchSharp.torch;

const int Groups = 100;
const int Measured = 5000;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var count = int.Parse(args.ElementAtOrDefault(0) ?? "50000", CultureInfo.InvariantCulture);
var width = int.Parse(args.ElementAtOrDefault(1) ?? "512", CultureInfo.InvariantCulture);
TorchRuntime.Configure();
using var random = new Generator(1);
using var features = Features();
Show("PCA", () => FeatureMap.Pca(features));
Show("UMAP, 15 neighbors", () => FeatureMap.Umap(features));
Console.WriteLine(
    $"peak memory {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB, {get_num_threads()} threads");

void Show(string name, Func<float[]> map)
{
    var watch = Stopwatch.StartNew();
    var places = map();
    var seconds = watch.Elapsed.TotalSeconds;
    var step = (count + Measured - 1) / Measured;
    int[] rows = [.. Enumerable.Range(0, count).Where(row => row % step == 0)];
    using var some = features.index_select(0, tensor(rows.Select(row => (long)row).ToArray()));
    var quality = MapQuality.Of(some, [.. rows.SelectMany(row => new[] { places[2 * row], places[(2 * row) + 1] })]);
    Console.WriteLine(
        $"{name}: {count} x {width} in {seconds:F1} s, trustworthiness {quality.Trustworthiness:F3}, neighbors kept " +
        $"{quality.Preservation:F3} (of {rows.Length} rows)");
}

// Each group has a center and 16 directions in which its rows differ.
Tensor Features()
{
    using var scope = NewDisposeScope();
    var parts = new List<Tensor>();
    for (var group = 0; group < Groups; group++)
    {
        var rows = (count * (group + 1L) / Groups) - (count * (long)group / Groups);
        var directions = randn([16, width], generator: random);
        var center = randn([1, width], generator: random);
        parts.Add(randn([rows, 16], generator: random).mm(directions).div(4).add(center));
    }

    return nn.functional.normalize(cat(parts), dim: 1).MoveToOuterDisposeScope();
}
