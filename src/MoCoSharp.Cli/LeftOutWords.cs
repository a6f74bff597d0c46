namespace MoCoSharp.Cli;

/// <summary>The number of images that an evaluation left out, as the end of its result line.</summary>
internal static class LeftOutWords
{
    /// <summary>Describes the number of left-out images; empty if all were read.</summary>
    public static string Describe(int read, int all) => (all - read) switch
    {
        <= 0 => "",
        1 => "; 1 image that could not be read is left out",
        var missing => $"; {missing} images that could not be read are left out",
    };
}
