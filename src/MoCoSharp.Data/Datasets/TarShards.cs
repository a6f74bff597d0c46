using System.Collections.Concurrent;
using System.Globalization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A set of several files, each best read from front to back.</summary>
internal interface IShardedImages : IImageDataset
{
    /// <summary>The index of each shard's first image, ascending, from 0. No shard is empty.</summary>
    IReadOnlyList<int> ShardStarts { get; }
}

/// <summary>A tar archive, local or remote.</summary>
/// <param name="Name">Name in messages.</param>
/// <param name="Open">
/// Opens it for random access; the caller disposes. A remote archive would answer by range requests.
/// </param>
internal sealed record Shard(string Name, Func<IByteSource> Open);

/// <summary>
/// Images in tar archives, as in WebDataset: an image and the .cls file with its class number share their name up to
/// the first dot.
/// </summary>
/// <remarks>
/// Opening the set reads the headers of all archives once, in parallel. Then every image can be read by its index.
/// </remarks>
internal sealed class TarShards : IShardedImages, IEncodedImages
{
    private const int FaultsTold = 10;
    private const int ClassesTold = 5;

    private readonly Shard[] _shards;
    private readonly ShardImage[] _samples;
    private readonly int[] _starts;

    private TarShards(
        string description, Shard[] shards, ShardImage[] samples, int[] starts, string[] classNames,
        IReadOnlyList<DataNotice> notices)
    {
        Description = description;
        _shards = shards;
        _samples = samples;
        _starts = starts;
        ClassNames = classNames;
        Notices = notices;
    }

    /// <inheritdoc/>
    public int Count => _samples.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> ShardStarts => _starts;

    /// <inheritdoc/>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>
    /// Whether a source ends in .tar, or is a compressed archive, which is refused.
    /// </summary>
    public static bool IsNamedSo(string source) =>
        ShardPattern.Endings.Any(ending => source.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    /// <summary>Opens shards and reads their headers.</summary>
    /// <param name="source">
    /// A path. {000..099} stands for each number in that range, with the same number of digits; {000..041,043..099}
    /// leaves one out. * stands for any text in a file name.
    /// </param>
    /// <param name="count">Counts the images while headers are read.</param>
    /// <exception cref="DataSourceException">A shard is missing or damaged, or none holds an image.</exception>
    public static TarShards Open(string source, ImageCount? count = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        var paths = ShardPattern.Expand(source);
        ShardPattern.ThrowIfMissing(source, paths);
        return Open(source, [.. paths.Select(path => new Shard(path, () => LocalBytes.Open(path)))], count);
    }

    internal static TarShards Open(string description, Shard[] shards, ImageCount? count = null)
    {
        var found = new ShardContents[shards.Length];
        var faults = new ConcurrentBag<string>();
        Parallel.For(0, shards.Length, i =>
        {
            try
            {
                found[i] = SourceFile.Guard(shards[i].Name, () => ShardContents.Read(shards[i], i, count));
            }
            catch (DataSourceException error)
            {
                faults.Add(error.Message);
            }
        });
        if (!faults.IsEmpty)
        {
            var more = faults.Count > FaultsTold ? $"\nAnd {faults.Count - FaultsTold} more." : "";
            throw new DataSourceException(
                string.Join('\n', faults.Order(StringComparer.Ordinal).Take(FaultsTold)) + more);
        }

        var (odd, hidden) = (new Tally(description), new Tally(description));
        var unread = new MemberEndings();
        var firsts = new List<int>();
        var next = 0;
        foreach (var (shard, contents) in shards.Zip(found))
        {
            odd.Add(contents.Odd);
            hidden.Add(contents.Hidden);
            unread.Add(contents.Unread);
            if (contents.Images.Count > 0)
            {
                firsts.Add(next);
                next += contents.Images.Count;
            }
            else
            {
                odd.Add("shards without an image", shard.Name);
            }
        }

        ShardImage[] all = [.. found.SelectMany(shard => shard.Images)];
        if (all.Length == 0)
        {
            throw new DataSourceException(
                NoImages(
                    description, shards.Length, odd,
                    [.. hidden.Notices(isWarning: false), .. unread.Notices(description)]));
        }

        var bare = all.Count(image => image.Label < 0);
        if (bare is > 0 && bare < all.Length)
        {
            var first = all.First(image => image.Label < 0);
            throw new DataSourceException(
                $"{shards[first.Shard].Name}: {first.Name} has no .cls file, as {bare} of {all.Length} images: " +
                "give every image a class, or none.");
        }

        var classes = all.Max(image => image.Label) + 1;
        var names = Enumerable.Range(0, classes).Select(number => number.ToString(CultureInfo.InvariantCulture));
        return new TarShards(description, shards, all, [.. firsts], [.. names],
        [
            .. odd.Notices(isWarning: true), .. ClassesWithoutImages(description, all, classes),
            .. hidden.Notices(isWarning: false), .. unread.Notices(description),
        ]);
    }

    /// <inheritdoc/>
    public LabeledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabeledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new LabeledImage(file.Decode(request), _samples[index].Label);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => _samples[index].Label;

    /// <inheritdoc/>
    public string NameOf(int index) => _samples[index].Name;

    private EncodedImage ReadEncoded(int index)
    {
        var sample = _samples[index];
        var shard = _shards[sample.Shard];
        try
        {
            using var archive = shard.Open();
            var file = new EncodedImage(sample.Length, sample.Name);
            file.Fill(archive, sample.Offset);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BrokenImageException($"{shard.Name}: {error.Message}", error)
            {
                MayPass = EncodedImage.MayPass(error),
            };
        }
    }

    // Says what the shards hold instead of images.
    private static string NoImages(string description, int shards, Tally odd, IEnumerable<DataNotice> others) =>
        $"{description}: no images in {shards} archives, expected members with one dot in their name that end in " +
        $"{string.Join(", ", ImageEndings.All)}. " +
        (odd.Of(ShardContents.Dotted) is var (count, example)
            ? $"{count} images have more than one dot in their names, as {example}: a key ends at the first dot, "
                + $"and this one would be \"{ShardContents.KeyOf(example)}\". Rename them with one dot, images and " +
                    ".cls files alike."
            : string.Join(" ", odd.Sentences().Concat(others.Select(notice => notice.Text))));

    // Classes that begin at 1, or a part of a set that lacks classes.
    private static IEnumerable<DataNotice> ClassesWithoutImages(string description, ShardImage[] all, int classes)
    {
        var seen = new bool[classes];
        foreach (var image in all.Where(image => image.Label >= 0))
        {
            seen[image.Label] = true;
        }

        var missing = Enumerable.Range(0, classes).Where(label => !seen[label]).ToList();
        var named = string.Join(", ", missing.Take(ClassesTold)) + (missing.Count > ClassesTold ? ", ..." : "");
        return missing.Count == 0
            ? []
            :
            [
                new(
                    $"{description}: {missing.Count} of the classes 0 to {classes - 1} have no image: {named}. "
                        + "Classes count from 0.",
                    IsWarning: true),
            ];
    }
}
