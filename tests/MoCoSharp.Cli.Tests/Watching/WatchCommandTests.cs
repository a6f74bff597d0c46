using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>moco watch and moco pretrain --watch, as a person uses them.</summary>
public sealed class WatchCommandTests : IDisposable
{
    private static readonly string[] Settings = [.. Moco.Tiny.Split(' '), "data=patterns:40", "logEvery=1"];

    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromMinutes(4) };

    public void Dispose()
    {
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task PretrainWatch_ShowsEveryPointOfTheRun_AndChangesNoBit()
    {
        string[] pretrain = ["pretrain", "patterns", "--set", .. Settings];
        using var process = Moco.Start(_folder, [.. pretrain, "--run", "watched", "--watch", "--watch-port", "0"]);
        await using var page = await EventStream.OpenAsync(_client, Address(process), "0.0.0");
        List<long> steps = [];
        var state = "";
        while (await page.NextAsync() is var (name, data))
        {
            if (name == "charts") // with the baselines, at the end
            {
                steps.Clear();
            }

            steps.AddRange(name is "points" or "charts" ? EventStream.Steps(data) : []);
            state = name == "status" ? (string)data["state"]! : state;
        }

        var error = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7, 8, 9, 10], steps); // two epochs of five steps
        Assert.Equal("finished", state);
        Assert.Equal(0, Moco.Run(_folder, [.. pretrain, "--run", "alone"]).ExitCode);
        Assert.Equal(Newest("alone"), Newest("watched"));
    }

    [Fact]
    public async Task CtrlC_EndsTheServer_ThoughAPageIsOpen()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        RunFolder.Create(Path.Combine(_folder, "run"), RunConfig.Load("patterns"));
        using var process = Moco.Start(_folder, "watch", "run", "--port", "0");
        await using var page = await EventStream.OpenAsync(_client, Address(process), null);
        await page.NextAsync("status");

        Moco.Signal(process, "INT");

        while (await page.NextAsync() is not null)
        {
            // The rest.
        }

        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public void WrongWords_AreNamed()
    {
        RunFolder.Create(Path.Combine(_folder, "run"), RunConfig.Load("patterns"));
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";

        Refused([$"moco: Port {port} of 127.0.0.1 cannot be used: "], "watch", "run", "--port", port);
        Refused(
            ["--port is 70000, expected 0 to 65535.", "none is not a run folder"],
            "watch", "none", "--port", "70000");
        Refused(["--images is 0, expected 1 to 100000"], "watch", "run", "--images", "0");
        Refused(["--data requires --images"], "watch", "run", "--data", "photos");
        Refused(["nowhere: there is no such folder"], "watch", "run", "--images", "9", "--data", "nowhere");
        Refused(
            ["--watch-port requires --watch", "--open requires --watch"], "pretrain", "--watch-port", "1", "--open");
        Refused(["--dry-run trains nothing to watch"], "pretrain", "--watch", "--dry-run");

        // A new folder does not stay behind.
        Refused(
            [$"Port {port} of"],
            ["pretrain", "patterns", "--run", "new", "--watch", "--watch-port", port, "--set", .. Settings]);
        Assert.False(Directory.Exists(Path.Combine(_folder, "new")));
    }

    [Theory]
    [InlineData("exit 0", "")]
    [InlineData("exit 3", "moco: note: no browser was opened (xdg-open ended with 3). Open http://127.0.0.1:")]
    public void Open_StartsTheBrowser_AndAFailureIsANote(string browser, string note)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "uses xdg-open");
        RunFolder.Create(Path.Combine(_folder, "run"), RunConfig.Load("patterns"));
        var programs = Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName;
        var opened = Path.Combine(_folder, "opened");
        var program = Path.Combine(programs, "xdg-open");
        File.WriteAllText(program, $"#!/bin/sh\necho \"$1\" > {opened}\n{browser}\n");
        Moco.RunShell(programs, "chmod +x xdg-open");
        var start = Moco.StartInfo(_folder, "watch", "run", "--port", "0", "--open");
        start.Environment["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["DISPLAY"] = ":1";
        using var process = Process.Start(start)!;

        var address = Address(process);
        var error = process.StandardError;
        var told = note.Length > 0 ? error.ReadLine() : null;
        SpinWait.SpinUntil(() => File.Exists(opened) && new FileInfo(opened).Length > 0, TimeSpan.FromMinutes(1));
        Moco.Signal(process, "TERM");
        process.WaitForExit();

        Assert.Equal(address, File.ReadAllText(opened).Trim());
        Assert.StartsWith(note, told ?? "");
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>The address that a process prints.</summary>
    public static string Address(Process process)
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith("watch ") && line.IndexOf("http://") is > 0 and var at)
            {
                return line[at..];
            }
        }

        throw new InvalidOperationException($"It ended without an address: {process.StandardError.ReadToEnd()}");
    }

    private byte[] Newest(string run) => File.ReadAllBytes(RunFolder.Open(Path.Combine(_folder, run)).Checkpoints()[0]);

    private void Refused(string[] words, params string[] arguments)
    {
        var (code, _, error) = Moco.Run(_folder, arguments);

        Assert.Equal(2, code);
        Assert.All(words, word => Assert.Contains(word, error));
    }
}
