namespace MoCoSharp.Cli.CommandLine;

/// <summary>The encoder that the user names, and how to use it.</summary>
/// <param name="Target">RUN or FILE.</param>
internal sealed record EncoderChoice(string Target)
{
    /// <summary>--encoder.</summary>
    public string Which { get; init; } = "query";

    /// <summary>--prefix.</summary>
    public string? Prefix { get; init; }

    /// <summary>--size: side of an image, in pixels; null is that of the run's evaluation.</summary>
    public int? Size { get; init; }

    /// <summary>--device; null is that of the run, or the CPU where it is missing.</summary>
    public string? Device { get; init; }
}
