using System.Diagnostics;

namespace MoCoSharp.Tests.Distributed;

/// <summary>
/// Real processes under Open MPI: each of them runs all checks of tests/MpiChecks, and a test looks at the line of one.
/// </summary>
public sealed class MpiTests(MpiTests.Runs runs) : IClassFixture<MpiTests.Runs>
{
    public static TheoryData<string> OnTwo => [.. MpiChecks.Checks.All.Select(check => check.Name)];

    public static TheoryData<string> OnFour => [.. MpiChecks.Checks.OfFour];

    [Theory]
    [MemberData(nameof(OnTwo))]
    public void TwoProcesses(string check) => Assert.Contains($"{check}: ok", runs.Lines(2));

    [Theory]
    [MemberData(nameof(OnFour))]
    public void FourProcesses(string check) => Assert.Contains($"{check}: ok", runs.Lines(4));

    /// <summary>What the checks said; one start of processes for all tests of a number.</summary>
    public sealed class Runs
    {
        private readonly Lazy<string[]> _two = new(() => Run(2, []));
        private readonly Lazy<string[]> _four = new(() => Run(4, MpiChecks.Checks.OfFour));

        public string[] Lines(int processes) => processes == 2 ? _two.Value : _four.Value;

        private static string[] Run(int processes, IReadOnlyList<string> checks)
        {
            Mpirun.Demand();
            var start = Mpirun.Start(
                processes,
                "dotnet",
                [Path.Combine(AppContext.BaseDirectory, "MpiChecks.dll"), .. checks]);
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
            {
                process.Kill(entireProcessTree: true);
            }

            process.WaitForExit();
            return
            [
                .. output
                    .Result.Replace("\e[?1h\e=", "", StringComparison.Ordinal)
                    .Split('\n', StringSplitOptions.TrimEntries),
                error.Result,
            ];
        }
    }
}
