using System.Diagnostics;

namespace MoCoSharp.Tests;

/// <summary>
/// Runs a script of the folder pytorch with the system's Python, where that has PyTorch: the judge of the files that we
/// write.
/// </summary>
internal static class PyTorch
{
    private const string Python = "/usr/bin/python3";

    private static readonly Lazy<bool> IsThere = new(() =>
        File.Exists(Python) && Start("-c", "import torch, torchvision").ExitCode == 0);

    /// <summary>Runs a script, and gives what it printed; a test without PyTorch is skipped, and fails in CI.</summary>
    public static string Run(string script, params string[] arguments)
    {
        if (!IsThere.Value)
        {
            var reason = $"{Python} has no torch and torchvision: apt-get install python3-torch python3-torchvision";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        var (code, output, error) = Start([Path.Combine(AppContext.BaseDirectory, "pytorch", script), .. arguments]);
        Assert.True(code == 0, $"{script} {string.Join(' ', arguments)} ended with {code}: {error}");
        return output;
    }

    private static (int ExitCode, string Output, string Error) Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Python)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{string.Join(' ', arguments)} did not end. It said: {output}");
        }

        return (process.ExitCode, output, error.Result);
    }
}
