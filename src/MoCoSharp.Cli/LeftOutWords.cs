namespace MoCoSharp.Cli;

/// <summary>How many images an evaluation left out, at the end of the line that tells its result.</summary>
internal static class LeftOutWords
{
    /// <summary>Nothing where all were read.</summary>
    public static string Describe(int read, int all) => (all - read) switch
    {
        <= 0 => "",
        1 => "; 1 image that could not be read is left out",
        var missing => $"; {missing} images that could not be read are left out",
    };
}
