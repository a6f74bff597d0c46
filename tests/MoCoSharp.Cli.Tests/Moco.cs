using System.Diagnostics;

namespace MoCoSharp.Cli.Tests;

/// <summary>The real program, as a process of its own.</summary>
internal static class Moco
{
    public const string Tiny =
        "encoder.width=4 batchSize=8 bnGroups=2 moco.queueSize=16 moco.dimension=8 threads=1 loader.workers=1 " +
        "knn.neighbours=5 optimizer.warmupSteps=0 epochs=2";

    /// <summary>How a program beside the tests is started: by dotnet, on Windows by its own file.</summary>
    public static string[] Program(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, name);
        return OperatingSystem.IsWindows() ? [path + ".exe"] : ["dotnet", path + ".dll"];
    }

    public static (int ExitCode, string Output, string Error) Run(string folder, params string[] arguments)
    {
        using var process = Start(folder, arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"moco {string.Join(' ', arguments)} did not end. It said: {output}");
        }

        return (process.ExitCode, output, error.Result);
    }

    /// <summary>Runs a line of shell.</summary>
    public static (int ExitCode, string Output, string Error) RunShell(string folder, string line)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", line])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    public static Process Start(string folder, params string[] arguments)
    {
        var process = Process.Start(StartInfo(folder, arguments))!;
        _ = KillAsync(process.Id, process.StartTime, TimeSpan.FromMinutes(8));
        return process;
    }

    public static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    public static ProcessStartInfo StartInfo(string folder, params string[] arguments)
    {
        // Whoever is started in the background of a shell without job control ignores Ctrl-C, or a closed terminal
        // under nohup, and so do its children.
        string[] heeded = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT,QUIT,HUP"] : [];
        string[] all = [.. heeded, .. Program("moco"), .. arguments];
        return new ProcessStartInfo(all[0], all[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
    }

    // A test that reads a program's output to the end must not wait for ever.
    public static async Task KillAsync(int id, DateTime started, TimeSpan limit)
    {
        await Task.Delay(limit);
        try
        {
            using var process = Process.GetProcessById(id);
            if (process.StartTime == started)
            {
                process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // It ended long ago, as it should.
        }
    }
}
