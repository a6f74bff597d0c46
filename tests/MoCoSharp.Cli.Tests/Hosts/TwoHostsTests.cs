using System.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Hosts;

/// <summary>
/// A run on two hosts, by mpirun over ssh and TCP, and what becomes of it when the network or a disk fails.
/// </summary>
public sealed class TwoHostsTests : IDisposable
{
    // mpirun notices after 8 seconds that a host does not answer, before the processes do: docs/how-to/processes.md.
    private static readonly string[] NoticesALostHost =
    [
        "--mca", "oob_tcp_keepalive_time", "2", "--mca", "oob_tcp_keepalive_intvl", "2",
        "--mca", "oob_tcp_keepalive_probes", "3", "-x", "MOCO_SILENCE_SECONDS",
        "--mca", "odls_base_sigkill_timeout", "5", // seconds for our last words on a busy machine
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ARunOnTwoHosts_EndsInTheBitsOfOneHost()
    {
        using var hosts = Hosts();

        var (output, error) = End(0, hosts, Pretrain("two"));

        Assert.Contains("2 processes on 2 machines", output);
        Assert.Contains("mpirun must notice a lost machine", error);
        Assert.DoesNotContain("warning", error);
        Assert.Equal(OnOneHost("one"), Newest("two"));
    }

    [Fact]
    public void AtADistance_WithLosses_ARunEndsInTheSameBits()
    {
        using var hosts = Hosts();
        hosts.Wire.Delay = 50; // milliseconds: 100 there and back
        hosts.Wire.LossOneOf = 100;

        End(0, hosts, Pretrain("far"));

        Assert.True(hosts.Wire.Lost > 0, "nothing was lost");
        Assert.Equal(OnOneHost("near"), Newest("far"));
    }

    [Fact]
    public void ACutWire_EndsTheJobWithOneMessage_AndAResumeEndsInTheSameBits()
    {
        string[] more = ["epochs=200", "logEvery=50", "checkpoints.everySteps=20"];
        using var hosts = Hosts();
        var start = hosts.Job(_folder, NoticesALostHost, [], Pretrain("cut", more));
        start.Environment["MOCO_SILENCE_SECONDS"] = "30";
        using (var job = new Job(start))
        {
            job.Until("saved cut");
            hosts.Wire.IsCut = true;

            var (_, error) = job.Wait(null);
            Assert.Contains("lost communication with a remote daemon", error); // mpirun says what happened, and we
            Assert.Matches( // what to do
                @"^moco: SIGTERM: .*The newest checkpoint is cut/checkpoints/step-\d{8}\.safetensors; --resume ",
                Assert.Single(error.Split('\n'), IsOurs));
        }

        Assert.True(
            SpinWait.SpinUntil(() => hosts.ProgramsOnBeta().Count == 0, TimeSpan.FromMinutes(2)),
            string.Join('\n', hosts.ProgramsOnBeta()));
        hosts.Wire.IsCut = false;
        End(0, hosts, ["pretrain", "--resume", "--run", "cut"]);
        Assert.Equal(OnOneHost("uncut", more), Newest("cut"));
    }

    [Fact]
    public void AFullDiskOfTheFirstHost_IsWaitedFor()
    {
        using var hosts = Hosts();
        Directory.CreateDirectory(Path.Combine(_folder, "disk"));
        hosts.OnAlpha($"mount -t tmpfs -o size=200K disk {_folder}/disk");
        using var job = new Job(hosts.Job(_folder, [], [], Pretrain("disk/run")));
        job.UntilError("No space left");

        hosts.OnAlpha($"mount -o remount,size=100M {_folder}/disk");

        job.Wait(0);
        hosts.OnAlpha($"cp -r {_folder}/disk/run {_folder}/copied");
        Assert.Equal(OnOneHost("roomy"), Newest("copied"));
    }

    [Fact]
    public void AHostWhoseClockIsAnHourOff_ChangesNothing()
    {
        using var hosts = Hosts();
        var library = Directory.GetDirectories("/usr/lib")
            .Select(path => Path.Combine(path, "faketime", "libfaketimeMT.so.1"))
            .FirstOrDefault(File.Exists);
        const string reason = "There is no libfaketime: apt-get install faketime";
        Assert.False(library is null && Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.SkipWhen(library is null, reason);
        string[] early = ["env", $"LD_PRELOAD={library}", "FAKETIME=+1h", "FAKETIME_DONT_FAKE_MONOTONIC=1"];

        var (_, now, _) = Moco.RunShell("/", $"date +%s; {string.Join(' ', early)} date +%s");
        var times = now.Split('\n').Take(2).Select(long.Parse).ToList();
        Assert.InRange(times[1] - times[0], 3600, 3660); // seconds

        using (var job = new Job(hosts.Job(_folder, [], early, Pretrain("early"))))
        {
            Assert.DoesNotContain("warning", job.Wait(0).Error);
        }

        Assert.Equal(OnOneHost("exact"), Newest("early"));
    }

    private HostPair Hosts()
    {
        HostPair.Demand();
        return new HostPair(_folder);
    }

    private static string[] Pretrain(string run, params string[] more) =>
    [
        "pretrain", "patterns", "--run", run, "--set", .. Moco.Tiny.Split(' '), "data=patterns:24", "logEvery=1",
        "knn.everyEpochs=0", .. more,
    ];

    private static bool IsOurs(string line) => line.Contains("moco: ") && !line.Contains("note: ");

    private (string Output, string Error) End(int code, HostPair hosts, string[] arguments)
    {
        using var job = new Job(hosts.Job(_folder, [], [], arguments));
        return job.Wait(code);
    }

    // The last checkpoint of the same run by two processes of this machine.
    private byte[] OnOneHost(string run, params string[] more)
    {
        using var job = new Job(Mpirun.Start(_folder, 2, Pretrain(run, more)));
        job.Wait(0);
        return Newest(run);
    }

    private byte[] Newest(string run) =>
        File.ReadAllBytes(RunFolder.Open(Path.Combine(_folder, run)).Checkpoints()[0]);
}
