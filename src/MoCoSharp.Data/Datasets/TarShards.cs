using System.Collections.Concurrent;
using System.Globalization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A set in several files, each of which is best read from front to back.</summary>
public interface IShardedImages : IImageDataset
{
    /// <summary>The index of each shard's first image, rising, the first 0. No shard is empty.</summary>
    IReadOnlyList<int> ShardStarts { get; }
}

/// <summary>A tar archive, wherever it lies.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Open">Opens it for reading at any place; the caller disposes. A remote one would answer by ranges.</param>
internal sealed record Shard(string Name, Func<IByteSource> Open);

/// <summary>Images in tar archives, as WebDataset lays them out: an image and a .cls file of its class number share their name up to the first dot.</summary>
/// <remarks>The archives' headers are read once, in parallel, when the set is opened; then every image can be read by its index.</remarks>
public sealed class TarShards : IShardedImages, IEncodedImages
{
    private const int MostShards = 100_000;
    private const int LongestLabel = 32; // bytes of a .cls file
    private const int MostClasses = 1 << 20;
    private const int FaultsTold = 10;

    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { "jpg", "jpeg", "png", "webp", "bmp", "gif" };

    private readonly Shard[] shards;
    private readonly Sample[] samples;
    private readonly int[] starts;

    private TarShards(string description, Shard[] shards, Sample[] samples, int[] starts, string[] classNames)
    {
        Description = description;
        this.shards = shards;
        this.samples = samples;
        this.starts = starts;
        ClassNames = classNames;
    }

    /// <inheritdoc/>
    public int Count => samples.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> ShardStarts => starts;

    /// <summary>Whether a source is named as shards are: by .tar at its end.</summary>
    public static bool IsNamedSo(string source) => source.EndsWith(".tar", StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens shards and reads their headers.</summary>
    /// <param name="source">A path, in which {000..099} stands for each number between, as wide.</param>
    /// <exception cref="DataSourceException">A shard is missing or damaged, or none holds an image.</exception>
    public static TarShards Open(string source)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        return Open(source, [.. Expand(source).Select(path => new Shard(path, () => LocalBytes.Open(path)))]);
    }

    internal static TarShards Open(string description, Shard[] shards)
    {
        var found = new List<Sample>[shards.Length];
        var faults = new ConcurrentBag<string>();
        Parallel.For(0, shards.Length, i =>
        {
            try
            {
                found[i] = SourceFile.Guard(shards[i].Name, () => ReadShard(shards[i], i));
            }
            catch (DataSourceException error)
            {
                faults.Add(error.Message);
            }
        });
        if (!faults.IsEmpty)
        {
            var more = faults.Count > FaultsTold ? $"\nAnd {faults.Count - FaultsTold} more." : "";
            throw new DataSourceException(string.Join('\n', faults.Order(StringComparer.Ordinal).Take(FaultsTold)) + more);
        }

        Sample[] all = [.. found.SelectMany(shard => shard)];
        if (all.Length == 0)
        {
            throw new DataSourceException($"{description}: no images in {shards.Length} archives, expected {string.Join(", ", Extensions)} files.");
        }

        if (all.Any(sample => sample.Label >= 0) && Array.FindIndex(all, sample => sample.Label < 0) is var bare and >= 0)
        {
            throw new DataSourceException(
                $"{shards[all[bare].Shard].Name}: {all[bare].Name} has no .cls file, and others have one: give every image a class, or none.");
        }

        var firsts = new List<int>();
        var next = 0;
        foreach (var shard in found.Where(shard => shard.Count > 0))
        {
            firsts.Add(next);
            next += shard.Count;
        }

        var classes = all.Max(sample => sample.Label) + 1;
        return new TarShards(description, shards, all, [.. firsts], [.. Enumerable.Range(0, classes).Select(number => number.ToString(CultureInfo.InvariantCulture))]);
    }

    /// <inheritdoc/>
    public LabelledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabelledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new LabelledImage(file.Decode(request), samples[index].Label);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => samples[index].Label;

    /// <inheritdoc/>
    public string NameOf(int index) => samples[index].Name;

    /// <summary>The paths that a pattern stands for.</summary>
    internal static IReadOnlyList<string> Expand(string source)
    {
        var (open, close) = (source.IndexOf('{'), source.IndexOf('}'));
        if (open < 0 && close < 0)
        {
            return [source];
        }

        var range = open < close && open >= 0 ? source[(open + 1)..close].Split("..") : [];
        if (range is not [var first, var last]
            || !int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            || !int.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            || to < from || (long)to - from >= MostShards || source.LastIndexOf('{') != open || source.LastIndexOf('}') != close)
        {
            throw new DataSourceException($"{source}: expected one pair of braces with two numbers, the first not above the second, as in shards/{{000..099}}.tar.");
        }

        return [.. Enumerable.Range(from, to - from + 1).Select(number =>
            source[..open] + number.ToString(CultureInfo.InvariantCulture).PadLeft(first.Length, '0') + source[(close + 1)..])];
    }

    private EncodedImage ReadEncoded(int index)
    {
        var sample = samples[index];
        var shard = shards[sample.Shard];
        try
        {
            using var archive = shard.Open();
            var file = new EncodedImage(sample.Length, sample.Name);
            file.Fill(archive, sample.Offset);
            return file;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BrokenImageException($"{shard.Name}: {error.Message}", error);
        }
    }

    private static List<Sample> ReadShard(Shard shard, int number)
    {
        using var archive = shard.Open();
        var found = new List<Sample>();
        var (key, image, label) = ("", default(Sample?), -1);
        foreach (var member in TarIndex.Read(archive, shard.Name))
        {
            var name = member.Name[(member.Name.LastIndexOf('/') + 1)..];
            var dot = name.IndexOf('.');
            if (dot <= 0)
            {
                continue; // no extension, or a hidden file
            }

            var folder = member.Name[..^name.Length];
            if (folder + name[..dot] != key)
            {
                Finish();
                (key, image, label) = (folder + name[..dot], null, -1);
            }

            var extension = name[(dot + 1)..];
            if (Extensions.Contains(extension) && image is null)
            {
                // An image too long or empty is named as broken when its turn comes.
                image = new Sample(number, member.Offset, (int)Math.Min(member.Length, ImageDecoder.LargestFileBytes), $"{Path.GetFileName(shard.Name)}/{member.Name}", -1);
            }
            else if (extension == "cls")
            {
                label = ReadLabel(archive, member, shard.Name);
            }
        }

        Finish();
        return found;

        void Finish()
        {
            if (image is { } whole)
            {
                found.Add(whole with { Label = label });
            }
        }
    }

    private static int ReadLabel(IByteSource archive, TarMember member, string shard)
    {
        Span<byte> text = stackalloc byte[LongestLabel];
        var read = archive.Read(text[..(int)Math.Min(member.Length, LongestLabel)], member.Offset);
        return int.TryParse(text[..read].Trim(" \r\n\t\0"u8), NumberStyles.None, CultureInfo.InvariantCulture, out var label) && label < MostClasses
            ? label
            : throw new DataSourceException($"{shard}: {member.Name} holds no class number, expected 0 to {MostClasses - 1} in digits.");
    }

    private readonly record struct Sample(int Shard, long Offset, int Length, string Name, int Label);
}
