namespace MoCoSharp.Export;

/// <summary>An exported file: what it holds, how it was checked, and how to load it.</summary>
public sealed record ExportReport
{
    internal ExportReport()
    {
    }

    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>The name of its <see cref="ExportFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>The size of the file in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>The architecture: "resnet50", and whatever differs from the standard one.</summary>
    public required string Architecture { get; init; }

    /// <summary>
    /// What the file holds: output, mean, std, resize, size, preparation, encoder, source, step and, for a classifier,
    /// the classes.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>
    /// The greatest difference between the features of the reloaded file and those of the encoder, as a share of the
    /// largest feature.
    /// </summary>
    public required double Difference { get; init; }

    /// <summary>How the file was checked, in a phrase.</summary>
    public required string Check { get; init; }

    /// <summary>The tool that loads the file.</summary>
    public required string Loader { get; init; }

    /// <summary>How to load the file, line by line, in the language of the tool; may be empty.</summary>
    public required IReadOnlyList<string> Instructions { get; init; }
}
