using MoCoSharp;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Encoders;
using NeighborSheet;

// NeighborSheet RUN SOURCE SHEET: the first images of a data set, each with the five images that an encoder finds
// most similar.
// A line below a neighbor is green if it has the query's label, and red if not. The encoder has never seen a label.
const int Queries = 10;
const int Neighbors = 5;

if (args is not [var run, var source, var path])
{
    Console.Error.WriteLine("usage: NeighborSheet RUN SOURCE SHEET.jpg (a run folder, a data set, the file to write)");
    return 2;
}

TorchRuntime.Configure(); // first, before any tensor
var (train, validation) = DataSource.Open(source, validation: null);
var images = validation ?? train; // images that the encoder was not trained on, if there are any
using var encoder = TrainedEncoder.Load(run);
using var features = encoder.Extract(images);
using var sheet = new Sheet(Queries, 1 + Neighbors);
var matches = 0;
for (var row = 0; row < Queries; row++)
{
    var query = features.Indices[row];
    var nearest = features.Nearest(features.Values[row], k: 1 + Neighbors)
        .Where(neighbor => neighbor.Row != row).Take(Neighbors).ToList();
    sheet.Draw(row, 0, images.Read(query));
    for (var i = 0; i < nearest.Count; i++)
    {
        var same = images.LabelOf(nearest[i].Index) == images.LabelOf(query);
        sheet.Draw(row, 1 + i, images.Read(nearest[i].Index), matches: same);
        matches += same ? 1 : 0;
    }
}

sheet.Save(path);
Console.WriteLine($"{path}: {matches} of {Queries * Neighbors} neighbors have the query's label.");
return 0;
