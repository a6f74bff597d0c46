using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Finds the nearest neighbors of the same queries at each stage of training.</summary>
/// <param name="images">The images.</param>
/// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
internal sealed class RunNeighbors(IImageDataset images, bool upright)
{
    private const int Queries = 8;
    private const int Neighbors = 6;
    private const int ThumbnailSide = 96; // pixels
    private const int MostBytes = 800_000; // of the thumbnails

    private readonly List<int> _shown = []; // indices of images
    private readonly Dictionary<int, int> _places = []; // index of an image -> position in _shown

    /// <summary>The neighbors at each stage.</summary>
    /// <param name="stages">The features of each stage; not empty.</param>
    public NeighborHistory Find(IReadOnlyList<(string Title, FeatureSet Features)> stages)
    {
        var queries = ChooseQueries(stages[^1].Features);
        List<NeighborStage> found =
        [
            .. stages.Select(stage => new NeighborStage(
                stage.Title,
                [.. queries.Select(query => Row(stage.Features, query)).OfType<NeighborRow>()])),
        ];
        return new NeighborHistory(
            stages[^1].Features.Indices.Length, [.. _shown.Select(Describe)], found,
            ThumbnailSheet.Create(images, _shown, upright, ThumbnailSide, MostBytes));
    }

    // The first image of each class in turn; without labels, images spread evenly.
    private static List<int> ChooseQueries(FeatureSet features)
    {
        var (rows, count) = (features.Indices, Math.Min(Queries, features.Indices.Length));
        var isLabeled = features.Labels.Distinct().Count() > 1;
        return isLabeled
            ? [
                .. rows.Zip(features.Labels)
                    .GroupBy(item => item.Second)
                    .SelectMany(group => group.Select((item, turn) => (item.First, Label: item.Second, turn)))
                    .OrderBy(item => item.turn).ThenBy(item => item.Label)
                    .Take(count)
                    .Select(item => item.First),
            ]
            : [.. Enumerable.Range(0, count).Select(i => rows[i * rows.Length / count])];
    }

    // Null if the query could not be read at this stage.
    private NeighborRow? Row(FeatureSet features, int query)
    {
        var row = Array.IndexOf(features.Indices, query);
        if (row < 0)
        {
            return null;
        }

        using var values = features.Values[row];
        var nearest = features.Nearest(values, Neighbors + 1)
            .Where(neighbor => neighbor.Row != row)
            .Take(Neighbors)
            .ToList();
        return new NeighborRow(
            Place(query), [.. nearest.Select(neighbor => Place(neighbor.Index))],
            [.. nearest.Select(neighbor => (float)neighbor.Similarity)]);
    }

    private int Place(int index)
    {
        if (!_places.TryGetValue(index, out var place))
        {
            place = _places[index] = _shown.Count;
            _shown.Add(index);
        }

        return place;
    }

    private PageImage Describe(int index) => new(
        images.NameOf(index), images.LabelOf(index) is var label and >= 0 ? images.ClassNames[label] : null);
}
