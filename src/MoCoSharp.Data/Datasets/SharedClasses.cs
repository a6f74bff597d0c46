namespace MoCoSharp.Data.Datasets;

/// <summary>
/// One list of classes for training and validation images, so that a number means the same class in both.
/// </summary>
internal static class SharedClasses
{
    private const int Named = 5;

    /// <summary>Numbers the classes of both sets by the first set, if the second has no others.</summary>
    /// <remarks>A folder without images is also a class if the other set has images of it.</remarks>
    /// <exception cref="DataSourceException">The second set has classes that the first lacks.</exception>
    public static (IImageDataset Train, IImageDataset? Validation) Settle(
        IImageDataset train,
        IImageDataset? validation,
        Action<DataNotice> tell)
    {
        if (validation is null || train.ClassNames.SequenceEqual(validation.ClassNames))
        {
            return (train, validation);
        }

        if (train is ImageFolder learned && validation is ImageFolder judged)
        {
            // A folder without images counts if the other set has images of that class. If the other set has classes, a
            // single folder is a class too.
            string[] all =
            [
                .. learned.Folders.Union(learned.EmptyFolders.Intersect(judged.Folders)).Order(StringComparer.Ordinal),
            ];
            var isEither = train.ClassNames.Count > 0 || validation.ClassNames.Count > 0;
            if (
                isEither
                && all.Length > 1
                && learned.Folders.Count > 0
                && judged.Folders.Count > 0
                && !judged.Folders.Except(all).Any())
            {
                TellMissing(train, all.Except(learned.Folders));
                TellMissing(validation, all.Except(judged.Folders));
                return (
                    learned.ClassNames.SequenceEqual(all)
                        ? train
                        : RelabeledImages.Of(train, all, index => ImageFolder.TopFolder(train.NameOf(index))),
                    RelabeledImages.Of(validation, all, index => ImageFolder.TopFolder(validation.NameOf(index))));
            }
        }

        if (train.ClassNames.Count == 0 || validation.ClassNames.Count == 0)
        {
            return (train, validation);
        }

        if (validation.ClassNames.Except(train.ClassNames).Any())
        {
            throw Different(train, validation);
        }

        TellMissing(validation, train.ClassNames.Except(validation.ClassNames));
        return (train, RelabeledImages.Of(
            validation,
            train.ClassNames,
            index => validation.LabelOf(index) is var label and >= 0 ? validation.ClassNames[label] : null));

        void TellMissing(IImageDataset images, IEnumerable<string> classes)
        {
            var missing = classes.ToList();
            if (missing.Count > 0)
            {
                tell(
                    new(
                        $"{images.Description}: has no image of {DataNotice.Some(missing, Named)} ({missing.Count} " +
                        "of the classes)."));
            }
        }
    }

    private static DataSourceException Different(IImageDataset train, IImageDataset validation)
    {
        var onlyTrain = train.ClassNames.Except(validation.ClassNames).ToList();
        var onlyValidation = validation.ClassNames.Except(train.ClassNames).ToList();
        var hint = onlyTrain.Find(name => onlyValidation.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } same
            ? $"The case of letters counts ({same}): rename one of the folders."
            : "Give both the same class folders.";
        return new DataSourceException(
            $"{train.Description} and {validation.Description} have different class names, so their " +
            "numbers would not match: "
                + $"only in the first: {Names(onlyTrain)}; only in the second: {Names(onlyValidation)}. {hint}");
    }

    private static string Names(List<string> names) => names.Count == 0 ? "none" : DataNotice.Some(names, Named);
}
