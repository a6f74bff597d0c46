using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>An image and the images of the data set that are most similar to it.</summary>
/// <param name="Name">The name of the query.</param>
/// <param name="Source">The set that holds the query.</param>
/// <param name="Index">The index of the query in <paramref name="Source"/>.</param>
/// <param name="Neighbors">The most similar first; among equals, the first of the data set.</param>
public sealed record SimilarImages(string Name, IImageDataset Source, int Index, IReadOnlyList<Neighbor> Neighbors);

/// <summary>The result of an image search.</summary>
/// <param name="Searched">The data set; <see cref="Neighbor.Index"/> is an index in it.</param>
/// <param name="Queries">Every query that could be read: first those named as in the data set, then files.</param>
/// <param name="Images">The number of images that were searched: those that could be read.</param>
/// <param name="Computed">The number of them whose features were not stored yet.</param>
/// <param name="UnreadQueries">The number of queries that could not be read, and are left out.</param>
public sealed record ImageSearchResult(
    IImageDataset Searched, IReadOnlyList<SimilarImages> Queries, int Images, int Computed, int UnreadQueries);

/// <summary>
/// Finds the images of a data set that are most similar to other images, by the cosine of their features.
/// </summary>
/// <remarks>The search is exact. It holds the features of all images in memory: 4 bytes a value.</remarks>
/// <param name="trained">The encoder, and how its images are prepared.</param>
/// <param name="images">The images to search.</param>
public sealed class ImageSearch(TrainedEncoder trained, IImageDataset images)
{
    /// <summary>The features to compare.</summary>
    public FeatureLayer Layer { get; init; }

    /// <summary>The folder in which features are stored by the content of each image.</summary>
    /// <value>Null stores nothing.</value>
    public string? CacheFolder { get; init; }

    /// <summary>Workers and prefetching.</summary>
    public LoaderOptions Loader { get; init; } = new();

    /// <summary>Whether a query that is an image of the data set is its own first neighbor.</summary>
    public bool IncludesItself { get; init; }

    /// <summary>Called with the phase, the amount of work done, and its total, from any thread.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Called each time a broken image is read, from any thread. The image is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Called with one sentence if stored features cannot be used or written.</summary>
    public Action<string>? Noted { get; init; }

    /// <summary>Finds faults of queries without reading an image; one sentence each.</summary>
    /// <param name="queries">Paths of files or folders, or names in the data set. A path counts before a name.</param>
    public IReadOnlyList<string> Validate(IReadOnlyList<string> queries) => new SearchQueries(queries, images).Faults;

    /// <summary>Searches.</summary>
    /// <param name="queries">Paths of files or folders, or names in the data set. A path counts before a name.</param>
    /// <param name="k">Neighbors of each query, above 0. A smaller data set returns all its images.</param>
    /// <param name="cancellation">Ends the work early. Features that are computed until then are stored.</param>
    /// <exception cref="ArgumentException">A query names no image; see <see cref="Validate"/>.</exception>
    /// <exception cref="InvalidDataException">No image or no query can be read, or a feature is not finite.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public ImageSearchResult Find(IReadOnlyList<string> queries, int k, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        var asked = new SearchQueries(queries, images);
        if (asked.Faults.Count > 0)
        {
            throw new ArgumentException(string.Join('\n', asked.Faults), nameof(queries));
        }

        using var noGrad = no_grad();
        using var bank = Store(CacheFolder).Get(images, cancellation);
        var rowOf = bank.Indices.Index().ToDictionary(item => item.Item, item => item.Index);
        var all = asked.All.Index().ToList();
        int[] ofSet = [.. all.Where(item => item.Item.IsInSet && rowOf.ContainsKey(item.Item.Index)).Select(Place)];
        int[] ofFiles = [.. all.Where(item => !item.Item.IsInSet).Select(Place)];
        int[] fileIndices = [.. ofFiles.Select(place => asked.All[place].Index)];
        using var files = Store(null).GetReadable(ImageSubset.Of(asked.Files, fileIndices), cancellation);
        int[] places = [.. ofSet, .. files.Indices.Select(index => ofFiles[index])]; // of those that could be read
        if (places.Length == 0)
        {
            throw new InvalidDataException($"None of the {asked.All.Count} query images can be read.");
        }

        using var scope = NewDisposeScope();
        var rows = tensor(ofSet.Select(place => (long)rowOf[asked.All[place].Index]).ToArray());
        var values = cat([bank.Values.index_select(0, rows), files.Values]); // [Q, D]
        var found = new SimilarImages?[asked.All.Count];
        NeighborSearch.Each(
            bank.Values, values, (int)Math.Min(k + 1L, bank.Indices.Length), Take, Device,
            share => Progress?.Invoke("queries compared", (long)(share * places.Length), places.Length), cancellation);
        return new ImageSearchResult(
            images, [.. found.OfType<SimilarImages>()], bank.Indices.Length, bank.Computed,
            found.Length - places.Length);

        void Take(int number, NearestKeys nearest)
        {
            var query = asked.All[places[number]];
            var itself = query.IsInSet && !IncludesItself ? rowOf[query.Index] : -1;
            found[places[number]] = new SimilarImages(
                query.Name, query.IsInSet ? images : asked.Files, query.Index,
                [.. nearest.Best().Where(best => best.Index != itself).Take(k).Select(best => ToNeighbor(bank, best))]);
        }
    }

    private Device Device => trained.Encoder.parameters().First().device;

    private static int Place((int Index, SearchQuery Item) item) => item.Index;

    // Rounding may lead just out of the range of a cosine.
    private static Neighbor ToNeighbor(FeatureSet bank, (float Score, int Row) best) => new(
        bank.Names![best.Row], Math.Clamp(best.Score, -1f, 1f), best.Row, bank.Indices[best.Row]);

    private ImageFeatureStore Store(string? folder) =>
        new(folder, trained.Encoder, ViewRecipes.Evaluation(trained.Views), Layer)
        {
            Loader = Loader,
            Device = Device,
            Progress = Progress,
            BadImageFound = BadImageFound,
            Noted = Noted,
        };
}
