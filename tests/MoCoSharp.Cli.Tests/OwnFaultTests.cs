using System.Diagnostics;

namespace MoCoSharp.Cli.Tests;

/// <summary>A fault of the program's own is told so, on whatever thread it happens.</summary>
public sealed class OwnFaultTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void AFault_IsABugToReport_WithVersionCommandAndStack_AndExitCode1()
    {
        Train();
        var (code, error) = Run(
            "MOCO_FAIL_AT", "Opened", "export", "run", "--format", "safetensors", "-o", "an encoder.safetensors");

        Check(
            code,
            error,
            "command moco export run --format safetensors -o 'an encoder.safetensors'",
            "InvalidOperationException: a test's");
    }

    [Fact]
    public void AFaultWhileSaving_IsReportedToo()
    {
        var (code, error) = Run(
            "MOCO_FAIL_AT",
            "Opened",
            ["pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:24"]);

        Check(code, error, "command moco pretrain patterns --run run", "InvalidOperationException: a test's");
    }

    [Fact]
    public void AFaultOfAnotherThread_IsReportedToo()
    {
        var (code, error) = Run(
            "MOCO_FAIL_BESIDE",
            "1",
            ["pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "epochs=5000",
                "data=patterns:24"]);

        Check(code, error, "command moco pretrain patterns --run run", "InvalidOperationException: beside");
    }

    [Fact]
    public void AFaultThatTheUserCanFix_IsNotReportedAsABug_EvenWithItsStackTrace()
    {
        File.WriteAllText(Path.Combine(folder, "text.safetensors"), "no encoder");
        var (code, _, error) = Moco.Run(folder, "knn", "text.safetensors", "--data", "patterns", "--verbose");

        Assert.Equal(1, code);
        Assert.StartsWith("moco: text.safetensors: ", error);
        Assert.Contains("   at ", error);
        Assert.DoesNotContain("bug", error);
    }

    [Fact]
    public void OutOfMemory_IsNotReportedAsABug()
    {
        var told = new List<string>();
        var code = ExitCode.Run(
            verbose: false,
            () =>
            {
                using var tensor = TorchSharp.torch.zeros(1L << 50); // more than any machine has
                return 0;
            },
            (messages, failed) =>
            {
                told.AddRange(messages);
                return failed;
            });

        Assert.Equal(1, code);
        Assert.StartsWith("out of memory. Lower batchSize", Assert.Single(told));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static void Check(int code, string error, params string[] expected)
    {
        Assert.Equal(1, code);
        Assert.Contains("moco: this is a bug in MoCoSharp; please report it with the lines below.", error);
        Assert.Matches(@"  version \S+, \.NET \d", error);
        Assert.All(expected, part => Assert.Contains(part, error));
        Assert.Contains("   at ", error);
        Assert.DoesNotContain("Unhandled exception", error);
    }

    private void Train()
    {
        var (code, _, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--steps", "1", "--set", .. Moco.Tiny.Split(' '),
                    "data=patterns:24",
                "knn.everyEpochs=0",
            ]);
        Assert.True(code == 0, error);
    }

    private (int Code, string Error) Run(string variable, string value, params string[] arguments)
    {
        var start = Moco.StartInfo(folder, arguments);
        start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(OwnFaultTests).Assembly.Location;
        start.Environment[variable] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)), output.Result);
        return (process.ExitCode, error);
    }
}
