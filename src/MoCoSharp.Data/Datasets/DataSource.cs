namespace MoCoSharp.Data.Datasets;

/// <summary>Opens the source of images that --data names.</summary>
public static class DataSource
{
    private const string Kinds =
        "a folder, a list file, a packed set, tar shards (shards/{000..099}.tar), cifar10:PATH, cifar100:PATH, " +
        "idx:PATH or patterns";
    private static readonly string[] KindNames = ["patterns", "cifar10", "cifar100", "idx"];

    private const int PatternSize = 40;
    private const int PatternCount = 5000;
    private const int PatternQueries = 1000;

    /// <summary>Opens the training images, and the validation images if there are any.</summary>
    /// <param name="source">
    /// A folder, a list file, a packed set, tar shards, cifar10:PATH, cifar100:PATH, idx:PATH, patterns or
    /// patterns:COUNT. A folder with subfolders train and val, valid, validation, dev, eval or test gives both parts.
    /// </param>
    /// <param name="validation">
    /// Another source for validation, or held-out:SHARE for a part of the training images; null uses the validation
    /// part of the source, if any.
    /// </param>
    /// <param name="notice">
    /// Called with each notice: about skipped files, the part that is used, or an unexpected structure.
    /// </param>
    /// <param name="listed">
    /// Called with the number of images found so far, while a folder or shards are listed: a million files take
    /// seconds, and more on a network disk. From any thread, never twice at once.
    /// </param>
    /// <exception cref="DataSourceException">
    /// A source cannot be used, or the two sources have different class names.
    /// </exception>
    public static (IImageDataset Train, IImageDataset? Validation) Open(
        string source,
        string? validation,
        Action<DataNotice>? notice = null,
        Action<int>? listed = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        var tell = notice ?? (_ => { });
        var count = listed is null ? null : new ImageCount(listed);
        var (train, second) = OpenBoth(source, wantsSecond: validation is null, tell, count);
        if (validation is not null && HeldOutImages.IsNamedSo(validation))
        {
            foreach (var item in train.Notices)
            {
                tell(item);
            }

            return HeldOutImages.Split(train, validation);
        }

        if (validation is not null)
        {
            var (first, own) = OpenBoth(validation, wantsSecond: true, tell, count);
            second = own ?? first;
        }

        foreach (var item in (second is null ? train.Notices : train.Notices.Concat(second.Notices)).Distinct())
        {
            tell(item);
        }

        return SharedClasses.Settle(train, second, tell);
    }

    private static (IImageDataset Train, IImageDataset? Validation) OpenBoth(
        string source,
        bool wantsSecond,
        Action<DataNotice> tell,
        ImageCount? count)
    {
        if (Directory.Exists(source))
        {
            return SplitFolders.Find(source) is { } parts
                ? OpenParts(source, parts, wantsSecond, tell, count)
                : (ImageFolder.Open(source, count), null);
        }

        if (
            TarShards.IsNamedSo(source)
            && !KindNames.Any(kind => source.StartsWith(kind + ':', StringComparison.Ordinal)))
        {
            return (TarShards.Open(source, count), null);
        }

        if (File.Exists(source))
        {
            return (OpenFile(source), null);
        }

        var colon = source.IndexOf(':');
        var (kind, path) = colon < 0 ? (source, "") : (source[..colon], source[(colon + 1)..]);
        return kind switch
        {
            "patterns" => OpenPatterns(source, path),
            "cifar10" => OpenCifar(path, hundred: false, wantsSecond),
            "cifar100" => OpenCifar(path, hundred: true, wantsSecond),
            "idx" => (
                IdxImages.Open(path, test: false),
                wantsSecond && IdxImages.HasTest(path) ? IdxImages.Open(path, test: true) : null),
            _ => throw new DataSourceException(
                $"{source}: there is no such folder or file.{Suggestion(source, kind, path)} A source is {Kinds}."),
        };
    }

    // "cifra10:data" misspells the kind, "phtos" the path.
    private static string Suggestion(string source, string kind, string path) =>
        path.Length > 0 && NearestWord.Find(kind, KindNames) is { } known ? $" Did you mean {known}:{path}?"
        : NearestWord.DidYouMeanPath(source) is { Length: > 0 } neighbor ? neighbor
        : NearestWord.DidYouMean(kind, KindNames);

    private static (IImageDataset, IImageDataset?) OpenPatterns(string source, string count)
    {
        var images = PatternCount;
        if (count.Length > 0 && (!int.TryParse(count, out images) || images < 1))
        {
            throw new DataSourceException($"{source}: expected patterns, or patterns:COUNT with a number above 0.");
        }

        return (new Patterns(images, PatternSize, seed: 1), new Patterns(PatternQueries, PatternSize, seed: 2));
    }

    private static IImageDataset OpenFile(string source) =>
        PackedImages.IsOne(source) ? PackedImages.Open(source)
        : OtherFile.Refusal(source) is { } refusal ? throw new DataSourceException(refusal)
        : ImageList.Open(source);

    private static (IImageDataset, IImageDataset?) OpenCifar(string path, bool hundred, bool wantsSecond) => (
        CifarBinary.Open(path, hundred, test: false),
        wantsSecond && CifarBinary.HasTest(path, hundred) ? CifarBinary.Open(path, hundred, test: true) : null);

    private static (IImageDataset, IImageDataset?) OpenParts(
        string source, SplitFolders parts, bool wantsSecond, Action<DataNotice> tell, ImageCount? count)
    {
        if (parts.Others.Count > 0)
        {
            tell(
                new(
                    $"{source}: holds parts of a set; the folders beside them are skipped: " +
                    $"{DataNotice.Some(parts.Others)}"));
        }

        var train = ImageFolder.Open(parts.Train, count);
        foreach (var path in wantsSecond ? parts.Seconds : [])
        {
            if (ImageFolder.OpenUnlessEmpty(path, count) is not { } second)
            {
                tell(new($"{path}: holds no validation images, and is skipped."));
                continue;
            }

            var left = parts.Seconds.SkipWhile(other => other != path).Skip(1).ToList();
            if (left.Count > 0)
            {
                tell(
                    new(
                        $"{source}: {Path.GetFileName(path)} is used for validation, not " +
                        $"{string.Join(" or ", left.Select(Path.GetFileName))}. "
                            + $"--val {left[0]} uses {(left.Count == 1 ? "the other" : "another")}."));
            }

            return (train, second);
        }

        return (train, null);
    }
}
