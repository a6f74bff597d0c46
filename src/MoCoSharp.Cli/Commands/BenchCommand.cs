using System.CommandLine;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco bench: how fast this machine does what training needs.</summary>
internal static class BenchCommand
{
    public static Command Create() =>
        new("bench", "Measure this machine: where the time goes, and what to do about it.")
        {
            BenchData.Create(),
            BenchStep.Create(),
        };
}
