namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>Writes a file of features row by row. The file is valid only after <see cref="Finish"/>.</summary>
internal interface IFeatureWriter : IDisposable
{
    /// <summary>Adds one image.</summary>
    /// <param name="name">Name of the image.</param>
    /// <param name="label">Label; -1 for none.</param>
    /// <param name="values">Length D.</param>
    void Add(string name, int label, ReadOnlySpan<float> values);

    /// <summary>Completes the file.</summary>
    void Finish();
}

/// <summary>Chooses a writer by the extension of a file.</summary>
internal static class FeatureWriters
{
    /// <summary>The supported extensions.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".npy", ".parquet", ".csv"];

    /// <summary>Creates a writer for D values per row.</summary>
    public static IFeatureWriter Create(string path, int featureSize, IReadOnlyList<string> classNames) =>
        Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".npy" => new NpyWriter(path, featureSize, classNames),
        ".parquet" => new ParquetFeatures(path, featureSize, classNames),
        _ => new CsvWriter(path, featureSize, classNames),
    };

    /// <summary>The files that a writer creates. For .npy, a second file has names and labels.</summary>
    public static IReadOnlyList<string> Files(string path) =>
        Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase)
            ? [path, Path.ChangeExtension(path, ".csv")]
            : [path];
}
