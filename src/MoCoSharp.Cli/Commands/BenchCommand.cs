using System.CommandLine;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco bench: measures the speed of this machine in training.</summary>
internal static class BenchCommand
{
    public static Command Create() =>
        new("bench", "Measure the speed of this machine, and suggest improvements.")
        {
            BenchData.Create(),
            BenchStep.Create(),
        };
}
