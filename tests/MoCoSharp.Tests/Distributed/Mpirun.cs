using System.Diagnostics;

namespace MoCoSharp.Tests.Distributed;

/// <summary>Open MPI's launcher; where it is missing a test is skipped, and fails in CI.</summary>
internal static class Mpirun
{
    private static readonly string? Path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(folder => new[] { $"{folder}/mpirun.openmpi", $"{folder}/mpirun" }).FirstOrDefault(File.Exists);

    public static void Demand()
    {
        if (Path is null)
        {
            const string reason = "There is no mpirun: apt-get install openmpi-bin";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }
    }

    /// <summary>So many processes on this machine, whoever we are and however many cores it has.</summary>
    public static ProcessStartInfo Start(int processes, string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Path!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none"; // needs ptrace, which containers forbid
        foreach (
            var argument in (string[])
                ["--allow-run-as-root", "--oversubscribe", "-np", $"{processes}", program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}
