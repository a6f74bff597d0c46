namespace MoCoSharp.Cli.Tests;

/// <summary>The note about a launcher that would outlive its job.</summary>
public sealed class LostMachineTests
{
    private static readonly string[] Two = ["alpha", "beta"];
    private const string OpenMpi = "Open MPI v4.1.4";

    [Fact]
    public void OnTwoMachines_OpenMpiMustNoticeALoss_BeforeOurProcessesEnd()
    {
        var note = Note(TimeSpan.FromSeconds(40));

        // 300 + 9 x 20; 10 + 3 x 5 = 25 is less than 40.
        Assert.Contains("before the processes end, after 40 s; its keepalive takes 480 s", note);
        Assert.EndsWith(
            "--mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 5 --mca oob_tcp_keepalive_probes 3.", note);
    }

    [Fact]
    public void ALauncherThatNoticesInTime_NeedsNoNote()
    {
        Assert.Null(Note(TimeSpan.FromSeconds(26), "time=10", "intvl=5", "probes=3"));
        Assert.NotNull(Note(TimeSpan.FromSeconds(25), "time=10", "intvl=5", "probes=3"));
    }

    [Fact]
    public void WithoutKeepalive_ALossIsNeverNoticed() =>
        Assert.Contains("its keepalive is off", Note(TimeSpan.FromSeconds(40), "time=0", "intvl=5", "probes=3"));

    [Theory]
    [InlineData(5, 1, 1)]
    [InlineData(16, 4, 2)]
    [InlineData(40, 10, 5)]
    public void TheAdvice_IsInTime(int silence, int time, int interval)
    {
        Assert.Contains($"time {time} --mca oob_tcp_keepalive_intvl {interval} ", Note(TimeSpan.FromSeconds(silence)));
        Assert.Null(Note(TimeSpan.FromSeconds(silence), $"time={time}", $"intvl={interval}", "probes=3"));
    }

    [Fact]
    public void OneMachine_OrAnotherLauncher_NeedsNoNote()
    {
        var silence = TimeSpan.FromSeconds(40);
        Assert.Null(LostMachine.Note(["alpha", "alpha"], OpenMpi, silence, Variables()));
        Assert.Null(LostMachine.Note(Two, "MPICH Version:      4.0.2", silence, Variables()));
        Assert.Null(LostMachine.Note(Two, OpenMpi, silence, _ => null)); // srun
    }

    private static string? Note(TimeSpan silence, params string[] keepalive) =>
        LostMachine.Note(Two, OpenMpi, silence, Variables(keepalive));

    // The environment of a process of mpirun.
    private static Func<string, string?> Variables(params string[] keepalive)
    {
        var variables = keepalive
            .Select(setting => setting.Split('='))
            .ToDictionary(parts => $"OMPI_MCA_oob_tcp_keepalive_{parts[0]}", parts => parts[1]);
        variables["OMPI_COMM_WORLD_SIZE"] = "2";
        return variables.GetValueOrDefault;
    }
}
