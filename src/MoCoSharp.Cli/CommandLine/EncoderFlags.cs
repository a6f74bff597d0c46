using System.CommandLine;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>The options of every verb that computes features of images.</summary>
internal sealed class EncoderFlags
{
    /// <summary>--encoder query|key.</summary>
    public Option<string> Which { get; } = Options.Encoder();

    /// <summary>--prefix NAME.</summary>
    public Option<string?> Prefix { get; } = EncoderTarget.PrefixOption();

    /// <summary>--size PIXELS.</summary>
    public Option<int?> Size { get; } = new Option<int?>("--size")
    {
        HelpName = "pixels",
        Description = "Size of the images that the encoder sees, in pixels. Without it, that of the run's evaluation.",
    }.Number("a whole number above 0");

    /// <summary>--device NAME.</summary>
    public Option<string?> Device { get; } = Options.EncoderDevice();

    /// <summary>The options that the user gave.</summary>
    /// <param name="parsed">The command line.</param>
    public IEnumerable<string> Given(ParseResult parsed) => new Option[] { Which, Prefix, Size, Device }
        .Where(option => parsed.GetResult(option) is { Implicit: false })
        .Select(option => option.Name);

    /// <summary>The choice on a command line.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="target">RUN or FILE.</param>
    public EncoderChoice Of(ParseResult parsed, string target) => new(target)
    {
        Which = parsed.GetValue(Which)!,
        Prefix = parsed.GetValue(Prefix),
        Size = parsed.GetValue(Size),
        Device = parsed.GetValue(Device),
    };
}
