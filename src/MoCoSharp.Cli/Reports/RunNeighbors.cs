using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Finds the nearest neighbors of the same queries at each stage of training.</summary>
/// <param name="images">The images.</param>
/// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
internal sealed class RunNeighbors(IImageDataset images, bool upright)
{
    private const int Queries = 8;
    private const int Neighbors = 6;

    private readonly ShownPictures _pictures = new(images, upright);
    private readonly List<NeighborStage> _stages = [];
    private IReadOnlyList<int>? _queries; // indices of images
    private int _searched;

    /// <summary>Finds the neighbors at one stage. The first stage chooses the queries.</summary>
    /// <param name="title">The stage.</param>
    /// <param name="features">Of the images at this stage.</param>
    public void Add(string title, FeatureSet features)
    {
        _queries ??= ChooseQueries(features);
        _searched = features.Indices.Length;
        _stages.Add(new NeighborStage(
            title, [.. _queries.Select(query => Row(features, query)).OfType<NeighborRow>()]));
    }

    /// <summary>The neighbors at all stages; null without a stage.</summary>
    public NeighborHistory? Draw() => _pictures.Draw() is { } pictures
        ? new NeighborHistory(_searched, pictures.Images, _stages, pictures.Sheet)
        : null;

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
            _pictures.Place(query), [.. nearest.Select(neighbor => _pictures.Place(neighbor.Index))],
            [.. nearest.Select(neighbor => (float)neighbor.Similarity)]);
    }
}
