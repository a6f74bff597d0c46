namespace MoCoSharp.Data.Datasets;

/// <summary>Opens what a person names as --data.</summary>
public static class DataSource
{
    private const string Kinds = "a folder, a list file, a packed set, tar shards (shards/{000..099}.tar), cifar10:PATH, cifar100:PATH, idx:PATH or patterns";
    private static readonly string[] SecondParts = ["val", "test"];

    private const int PatternSize = 40;
    private const int PatternCount = 5000;
    private const int PatternQueries = 1000;

    /// <summary>The training images, and labelled ones to judge by where there are some.</summary>
    /// <param name="source">A folder (with train and val or test folders it serves both parts), a list file, a packed set, tar shards, cifar10:PATH, cifar100:PATH, idx:PATH, patterns or patterns:COUNT.</param>
    /// <param name="validation">Another source for the second part; null takes the source's own, if it has one.</param>
    /// <exception cref="DataSourceException">A source cannot be used, or the two name their classes differently.</exception>
    public static (IImageDataset Train, IImageDataset? Validation) Open(string source, string? validation)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        var (train, own) = OpenBoth(source, wantsSecond: validation is null);
        if (validation is null)
        {
            RefuseOtherClasses(train, own);
            return (train, own);
        }

        var (first, second) = OpenBoth(validation, wantsSecond: true);
        RefuseOtherClasses(train, second ?? first);
        return (train, second ?? first);
    }

    private static (IImageDataset Train, IImageDataset? Validation) OpenBoth(string source, bool wantsSecond)
    {
        if (Directory.Exists(source))
        {
            var train = Path.Combine(source, "train");
            var second = SecondParts.Select(name => Path.Combine(source, name)).FirstOrDefault(Directory.Exists);

            // A lone "train" among other folders may be a class: of vehicles, say.
            return Directory.Exists(train) && (second is not null || SourceFile.Guard(source, () => Directory.GetDirectories(source).Length == 1))
                ? (ImageFolder.Open(train), wantsSecond && second is not null ? ImageFolder.Open(second) : null)
                : (ImageFolder.Open(source), null);
        }

        if (TarShards.IsNamedSo(source))
        {
            return (TarShards.Open(source), null);
        }

        if (File.Exists(source))
        {
            return (PackedImages.IsOne(source) ? PackedImages.Open(source) : ImageList.Open(source), null);
        }

        var colon = source.IndexOf(':');
        var (kind, path) = colon < 0 ? (source, "") : (source[..colon], source[(colon + 1)..]);
        return kind switch
        {
            "patterns" => OpenPatterns(source, path),
            "cifar10" => (CifarBinary.Open(path, hundred: false, test: false), wantsSecond && HasTest(path, "test_batch.bin") ? CifarBinary.Open(path, hundred: false, test: true) : null),
            "cifar100" => (CifarBinary.Open(path, hundred: true, test: false), wantsSecond && HasTest(path, "test.bin") ? CifarBinary.Open(path, hundred: true, test: true) : null),
            "idx" => (IdxImages.Open(path, test: false), wantsSecond && HasTest(path, "t10k-images-idx3-ubyte*") ? IdxImages.Open(path, test: true) : null),
            _ => throw new DataSourceException($"{source}: there is no such folder or file. A source is {Kinds}."),
        };
    }

    private static (IImageDataset, IImageDataset?) OpenPatterns(string source, string count)
    {
        var images = PatternCount;
        if (count.Length > 0 && (!int.TryParse(count, out images) || images < 1))
        {
            throw new DataSourceException($"{source}: expected patterns, or patterns:COUNT with a number above 0.");
        }

        return (new Patterns(images, PatternSize, seed: 1), new Patterns(PatternQueries, PatternSize, seed: 2));
    }

    private static bool HasTest(string path, string pattern) => Directory.Exists(path) && Directory.GetFiles(path, pattern).Length > 0;

    private static void RefuseOtherClasses(IImageDataset train, IImageDataset? validation)
    {
        if (validation is null || train.ClassNames.Count == 0 || validation.ClassNames.Count == 0 || train.ClassNames.SequenceEqual(validation.ClassNames))
        {
            return;
        }

        if (train.ClassNames.Order(StringComparer.Ordinal).SequenceEqual(validation.ClassNames.Order(StringComparer.Ordinal)))
        {
            throw new DataSourceException(
                $"{train.Description} and {validation.Description} name the same classes in another order, so that their numbers would not fit. " +
                "Give both the same kind of source.");
        }

        var onlyTrain = train.ClassNames.Except(validation.ClassNames).Take(5).ToList();
        var onlyValidation = validation.ClassNames.Except(train.ClassNames).Take(5).ToList();
        throw new DataSourceException(
            $"{train.Description} and {validation.Description} name their classes differently, so that their numbers would not fit: " +
            $"only in the first: {Names(onlyTrain)}; only in the second: {Names(onlyValidation)}. Give both the same class folders.");
    }

    private static string Names(List<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);
}
