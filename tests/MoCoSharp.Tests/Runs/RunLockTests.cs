using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class RunLockTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly List<string> notices = [];

    private string LockPath => Path.Combine(folder, "lock");

    [Fact]
    public void ASecondTaker_IsRefused_AndToldWhoIsThere_UntilTheFirstLetsGo()
    {
        using (Take())
        {
            var error = Assert.Throws<RunLockedException>(() => Take());
            Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", error.Message);
        }

        Take().Dispose();
        Assert.Empty(notices);
        Assert.Equal(0, new FileInfo(LockPath).Length);
    }

    [Fact]
    public void ALockOfADeadProcess_IsTakenOver_WithANotice()
    {
        File.WriteAllText(LockPath, Owner(process: EndedProcess.Id(), Environment.MachineName));
        Take().Dispose();
        Assert.Contains("has ended", Assert.Single(notices));
    }

    [Fact]
    public void ALockOfAKilledProcessThatNobodyCollected_IsTakenOver()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux shows such processes in /proc.");
        using var parent = Process.Start(new ProcessStartInfo("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        try
        {
            var child = int.Parse(parent.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
            // Until the shell has become sleep, it would collect its child.
            Assert.True(
                SpinWait.SpinUntil(
                    () => File.ReadAllText($"/proc/{parent.Id}/comm").Trim() == "sleep", TimeSpan.FromMinutes(4)));
            var boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            File.WriteAllText(
                LockPath, Owner(child, Environment.MachineName, $"{Stat(child)[19]} of boot {boot}"));
            Assert.Throws<RunLockedException>(() => Take());

            using (var killed = Process.GetProcessById(child))
            {
                killed.Kill();
            }

            Assert.True(SpinWait.SpinUntil(() => Stat(child)[0] == "Z", TimeSpan.FromMinutes(4)));
            Take().Dispose();
            Assert.Contains("has ended", Assert.Single(notices));
        }
        finally
        {
            parent.Kill();
        }
    }

    [Fact]
    public void ALockOfAnOlderProcessWithALivingOnesNumber_IsTakenOver()
    {
        // Number 1 lives on every Linux, and started at another moment than this.
        File.WriteAllText(LockPath, Owner(process: 1, Environment.MachineName));
        Take().Dispose();
        Assert.Single(notices);
    }

    [Fact]
    public void ALivingProcess_WhoseLockTheFileSystemForgot_IsStillRespected()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        using var living = Process.Start("sleep", "60");
        try
        {
            var stat = File.ReadAllText($"/proc/{living.Id}/stat").Split(' ');
            File.WriteAllText(
                LockPath,
                Owner(
                    living.Id,
                    Environment.MachineName,
                    $"{stat[21]} of boot {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}"));
            Assert.Contains($"process {living.Id}", Assert.Throws<RunLockedException>(() => Take()).Message);
            Assert.Contains($"process {living.Id}", RunLock.Holder(folder));
        }
        finally
        {
            living.Kill();
        }
    }

    [Fact]
    public void AnOwnerOnAnotherHost_IsRespectedWhileItBeats_AndNotAfterwards()
    {
        File.WriteAllText(LockPath, Owner(1, "elsewhere"));
        Take(TimeSpan.FromMilliseconds(200)).Dispose();
        Assert.Equal(2, notices.Count); // the wait, and the taking over
        if (OperatingSystem.IsWindows())
        {
            return; // there, no host writes into a file that another has locked
        }

        File.WriteAllText(LockPath, Owner(1, "elsewhere"));
        var beats = new Thread(() =>
        {
            Thread.Sleep(150);
            Overwrite(Owner(1, "elsewhere", beat: 2));
        });
        beats.Start();
        Assert.Contains("elsewhere", Assert.Throws<RunLockedException>(() => Take(TimeSpan.FromSeconds(20))).Message);
        beats.Join();
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"process\": 1, \"ho")]
    [InlineData("{\"process\": \"x\"}")]
    [InlineData("[]")]
    public void ATornLockFile_IsNoOnesLock(string content)
    {
        File.WriteAllText(LockPath, content);
        Take().Dispose();
        Assert.Empty(notices);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private RunLock Take(TimeSpan? patience = null) => RunLock.Take(folder, notices.Add, patience);

    // As another host would, past this one's locks.
    private void Overwrite(string content)
    {
        using var process = Process.Start(
            new ProcessStartInfo("sh", ["-c", $"printf '%s' '{content}' > '{LockPath}'"])
        )!;
        process.WaitForExit();
    }

    // Fields of /proc/PID/stat from the third on, the state.
    private static string[] Stat(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static string Owner(int process, string host, string started = "5 of boot 0", long beat = 1) =>
        $$"""{"process":{{process}},"host":"{{host}}","started":"{{started}}","beat":{{beat}}}""";
}
