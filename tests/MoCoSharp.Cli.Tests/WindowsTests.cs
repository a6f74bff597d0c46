using System.Diagnostics;
using System.Runtime.InteropServices;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>The program on Windows; eng/try-windows.sh runs these tests under Wine.</summary>
public sealed partial class WindowsTests : IDisposable
{
    private readonly string folder;

    public WindowsTests()
    {
        Assert.SkipUnless(OperatingSystem.IsWindows(), "tests Windows");
        folder = Directory.CreateTempSubdirectory("moco").FullName;
    }

    [Fact]
    public void CtrlBreak_SavesAndExits75()
    {
        Assert.SkipWhen(IsWine(), "Wine does not deliver Ctrl-Break; eng/try-windows.sh tries Ctrl-C");
        using var process = Endless();
        Assert.True(GenerateConsoleCtrlEvent(1, (uint)process.Id)); // CTRL_BREAK_EVENT, to its process group

        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);
        Assert.NotEmpty(RunFolder.Open(Path.Combine(folder, "run")).Checkpoints());
    }

    [Fact]
    public void ASecondProcess_IsRefusedInTheRunOfTheFirst_WithAdviceForWindows()
    {
        using var process = Endless();

        var (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run");

        process.Kill();
        process.WaitForExit();
        Assert.NotEqual(0, code);
        Assert.Contains($"process {process.Id} on {Environment.MachineName} is training there", error);
        Assert.Contains("Ctrl-C in its window saves first", error);
    }

    [Fact]
    public void AKilledProcess_LeavesARunThatResumes()
    {
        using (var process = Endless(until: "saved ", saveEvery: 1))
        {
            process.Kill();
            process.WaitForExit();
        }

        var (code, output, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--steps", "1");

        Assert.True(code == 0, error);
        Assert.Contains("resumed after step ", output);
        Assert.Contains("left its lock; the lock is taken over", error + output);
    }

    [Theory]
    [InlineData("photos")]
    [InlineData(@".\photos\..\photos\")]
    [InlineData("list.txt")]
    [InlineData("C:")] // stands for the whole path
    public void Sources_HaveBackslashesAndDriveLetters(string source)
    {
        for (var i = 0; i < 12; i++)
        {
            Write($@"photos\{i:D2}.png", ImageEncoder.Png(new Patterns(12, 32, seed: 1).Read(i).Image));
        }

        File.WriteAllLines(
            Path.Combine(folder, "list.txt"),
            Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? $@"photos\{i:D2}.png" : $"photos/{i:D2}.png"));
        var data = source == "C:" ? Path.Combine(folder, "photos") : source;

        var (code, _, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--run", "run", "--steps", "1", "--data", data, "--set", .. Settings]);

        Assert.True(code == 0, error);
    }

    [Fact]
    public void PathsOfMoreThan260Letters_AreReadAndWritten()
    {
        var deep = Path.Combine([.. Enumerable.Repeat(new string('d', 60), 5)]);
        for (var i = 0; i < 12; i++)
        {
            Write(Path.Combine(deep, $"{i:D2}.png"), ImageEncoder.Png(new Patterns(12, 32, seed: 1).Read(i).Image));
        }

        var run = Path.Combine(deep, "run");
        var (code, _, error) = Moco.Run(
            folder, ["pretrain", "patterns", "--run", run, "--steps", "1", "--data", deep, "--set", .. Settings]);

        Assert.True(code == 0, error);
        Assert.NotEmpty(RunFolder.Open(Path.Combine(folder, run)).Checkpoints());
        (code, _, error) = Moco.Run(folder, "embed", run, "--data", deep, "-o", Path.Combine(deep, "features.npy"));
        Assert.True(code == 0, error);
        Assert.True(File.Exists(Path.Combine(folder, deep, "features.npy")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string[] Settings => [.. Moco.Tiny.Split(' '), "knn.everyEpochs=0"];

    [LibraryImport("kernel32.dll", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GenerateConsoleCtrlEvent(uint kind, uint group);

    private static bool IsWine() =>
        NativeLibrary.TryLoad("ntdll.dll", out var library)
        && NativeLibrary.TryGetExport(library, "wine_get_version", out _);

    private void Write(string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    // A training that has printed a line with a text, and goes on.
    private Process Endless(string until = "step 20/", int saveEvery = 1000)
    {
        var start = Moco.StartInfo(
            folder,
            ["pretrain", "patterns", "--run", "run", "--set", .. Settings, "data=patterns:400", "epochs=1000",
                $"checkpoints.everyEpochs={saveEvery}"]);
        if (OperatingSystem.IsWindows())
        {
            start.CreateNewProcessGroup = true; // Ctrl-Break goes to a group
        }

        var process = Process.Start(start)!;
        _ = Moco.KillAsync(process.Id, process.StartTime, TimeSpan.FromMinutes(8));
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        while (process.StandardOutput.ReadLine() is { } line && !line.Contains(until))
        {
        }

        return process;
    }
}
