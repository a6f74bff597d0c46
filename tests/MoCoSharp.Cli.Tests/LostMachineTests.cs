namespace MoCoSharp.Cli.Tests;

/// <summary>The note about a launcher that would outlive its job.</summary>
public sealed class LostMachineTests
{
    private static readonly string[] Two = ["alpha", "beta"];

    [Fact]
    public void OnTwoMachines_OpenMpiMustNoticeALoss_BeforeOurProcessesEnd()
    {
        var note = LostMachine.Note(Two, "Open MPI v4.1.4", TimeSpan.FromSeconds(40), _ => null);

        // 300 + 9 x 20; 10 + 3 x 5 = 25 is less than 40.
        Assert.Contains("it notices this after 480 s, and the processes end after 40 s", note);
        Assert.EndsWith(
            "--mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 5 --mca oob_tcp_keepalive_probes 3.", note);
    }

    [Fact]
    public void ALauncherThatNoticesInTime_NeedsNoNote()
    {
        var settings = new Dictionary<string, string>
        {
            ["OMPI_MCA_oob_tcp_keepalive_time"] = "10",
            ["OMPI_MCA_oob_tcp_keepalive_intvl"] = "5",
            ["OMPI_MCA_oob_tcp_keepalive_probes"] = "3",
        };

        Assert.Null(Note(TimeSpan.FromSeconds(26)));
        Assert.NotNull(Note(TimeSpan.FromSeconds(25)));

        string? Note(TimeSpan silence) =>
            LostMachine.Note(Two, "Open MPI v4.1.4", silence, settings.GetValueOrDefault);
    }

    [Fact]
    public void OneMachine_OrAnotherLauncher_NeedsNoNote()
    {
        Assert.Null(LostMachine.Note(["alpha", "alpha"], "Open MPI v4.1.4", TimeSpan.FromSeconds(40), _ => null));
        Assert.Null(LostMachine.Note(Two, "MPICH Version:      4.0.2", TimeSpan.FromSeconds(40), _ => null));
    }
}
