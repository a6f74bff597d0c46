// Which images to label first: accuracy on test images if 10, 20 or 50 images have labels, by each rule of moco select.
// The nearest labeled image tells the class. Three seeds; mean and standard deviation.
// dotnet run -c Release --project bench/Selection -- ENCODER SOURCE   (SOURCE has the folders train and val)
using System.Globalization;
using MoCoSharp;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using static TorchSharp.torch;

int[] sizes = [10, 20, 50];
long[] seeds = [0, 1, 2];

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
TorchRuntime.Configure();
using var encoder = TrainedEncoder.Load(args[0]);
var (train, judged) = DataSource.Open(args[1], null);
if (judged is null || train.ClassNames.Count == 0)
{
    Console.Error.WriteLine($"{args[1]}: expected labeled images in folders train and val.");
    return 2;
}

using var images = encoder.Extract(train);
using var queries = encoder.Extract(judged);
Console.WriteLine(
    $"{images.Indices.Length} images to choose from, {queries.Indices.Length} test images, {encoder.Source}");
Console.WriteLine($"| rule | {string.Join(" | ", sizes.Select(size => $"{size} labels"))} |");
Console.WriteLine($"|---|{string.Concat(sizes.Select(_ => "---|"))}");
foreach (var rule in Enum.GetValues<SelectionRule>())
{
    var cells = new List<string>();
    foreach (var size in sizes)
    {
        double[] scores = [.. seeds.Select(seed => Accuracy(Choose(rule, size, seed)))];
        var mean = scores.Average();
        var spread = Math.Sqrt(scores.Sum(score => (score - mean) * (score - mean)) / (scores.Length - 1));
        cells.Add($"{100 * mean:F1} ± {100 * spread:F1} %");
    }

    Console.WriteLine($"| {rule} | {string.Join(" | ", cells)} |");
}

return 0;

// The rule "uncertain" begins with 10 images by chance, and learns their labels before it chooses more.
List<int> Choose(SelectionRule rule, int size, long seed)
{
    if (rule != SelectionRule.Uncertain)
    {
        return Rows(rule, size, seed, labeled: []);
    }

    var rows = Rows(SelectionRule.Random, sizes[0], seed, labeled: []);
    foreach (var next in sizes.Where(next => next > rows.Count && next <= size))
    {
        rows.AddRange(Rows(rule, next - rows.Count, seed, rows));
    }

    return rows;
}

List<int> Rows(SelectionRule rule, int count, long seed, List<int> labeled)
{
    int[] open = [.. Enumerable.Range(0, images.Indices.Length).Except(labeled)];
    using var candidates = Some(open);
    using var known = labeled.Count == 0 ? null : Some([.. labeled]);
    return [.. ImageSelection.Choose(rule, candidates, count, known, seed).Select(image => open[image.Row])];
}

FeatureSet Some(int[] rows) => new(
    images.Values.index_select(0, tensor(rows.Select(row => (long)row).ToArray())),
    [.. rows.Select(row => images.Labels[row])], [.. rows.Select(row => images.Indices[row])]);

double Accuracy(List<int> labeled)
{
    using var scope = NewDisposeScope();
    using var bank = Some([.. labeled]);
    var nearest = queries.Values.mm(bank.Values.t()).argmax(1).data<long>().ToArray(); // [Q]
    return nearest.Zip(queries.Labels).Count(pair => bank.Labels[pair.First] == pair.Second) / (double)nearest.Length;
}
