using System.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;

namespace MoCoSharp.Tests.Distributed;

public sealed class LauncherTests
{
    [Theory]
    [InlineData("", 1, "")]
    [InlineData("OMPI_COMM_WORLD_SIZE=4", 4, "libmpi.so.40")]
    [InlineData("PMI_SIZE=3", 3, "libmpich.so.12")]
    [InlineData("SLURM_STEP_NUM_TASKS=2", 2, "libmpi.so.40")]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 MOCO_MPI_LIBRARY=/opt/libmpi.so", 4, "/opt/libmpi.so")]
    [InlineData("OMPI_COMM_WORLD_SIZE=1", 1, "")]
    [InlineData("PMI_SIZE=many", 1, "")]
    public void TheEnvironment_TellsTheLauncherAndItsLibrary(string environment, int processes, string library)
    {
        var variables = environment
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(item => item.Split('='))
            .ToDictionary(parts => parts[0], parts => parts[1]);

        var launcher = Launcher.Detect(variables.GetValueOrDefault);

        Assert.Equal(processes, launcher.Processes);
        Assert.Equal(library, launcher.Libraries is [var first, ..] ? first : "");
    }

    [Fact]
    public void AProcessThatHasEnded_IsGone()
    {
        Assert.True(MpiGroup.IsGone(EndedProcess.Id()));
        Assert.False(MpiGroup.IsGone(Environment.ProcessId));
    }

    [Fact]
    public void AMissingLibrary_IsToldWithWhatToInstall()
    {
        var error = Assert.Throws<DllNotFoundException>(() =>
            (
                Launcher.Detect(name => name == "OMPI_COMM_WORLD_SIZE" ? "2" : null) with
                {
                    Libraries = ["libnone.so.1"],
                }
            ).Join(_ => { }));
        Assert.Contains("libnone.so.1", error.Message);
        Assert.Contains("libopenmpi3", error.Message);
    }

    [Fact]
    public void OneProcess_NeedsNoMpi() =>
        Assert.Same(SingleProcess.Instance, Launcher.Detect(_ => null).Join(_ => { }));
}
