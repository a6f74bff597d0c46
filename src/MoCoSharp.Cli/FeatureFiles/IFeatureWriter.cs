namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>A file of features that grows row by row. It is whole only once it is finished.</summary>
internal interface IFeatureWriter : IDisposable
{
    /// <summary>Adds one image.</summary>
    /// <param name="name">Of the image.</param>
    /// <param name="label">-1 where there is none.</param>
    /// <param name="values">Length D.</param>
    void Add(string name, int label, ReadOnlySpan<float> values);

    /// <summary>Writes what comes last.</summary>
    void Finish();
}

/// <summary>Which writer a file's name asks for.</summary>
internal static class FeatureWriters
{
    /// <summary>The extensions that are known.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".npy", ".parquet", ".csv"];

    /// <summary>A writer for D values a row.</summary>
    public static IFeatureWriter Create(string path, int featureSize, IReadOnlyList<string> classNames) =>
        Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".npy" => new NpyWriter(path, featureSize, classNames),
        ".parquet" => new ParquetFeatures(path, featureSize, classNames),
        _ => new CsvWriter(path, featureSize, classNames),
    };

    /// <summary>The files that a writer makes: names and labels stand beside a .npy.</summary>
    public static IReadOnlyList<string> Files(string path) =>
        Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase)
            ? [path, Path.ChangeExtension(path, ".csv")]
            : [path];
}
