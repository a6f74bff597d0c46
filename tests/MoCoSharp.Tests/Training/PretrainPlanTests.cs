using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Tests.Training;

public sealed class PretrainPlanTests
{
    [Fact]
    public void SeveralProcesses_OnOneNamedGpu_AreRefused()
    {
        var faults = new List<string>();

        var plan = PretrainPlan.Open(
            new RunConfig { Data = "patterns:512", Device = "cuda:1" }, null, null, faults, processes: 2);

        Assert.Null(plan);
        Assert.Contains(faults, fault => fault.StartsWith("device is \"cuda:1\" with 2 processes, expected cuda"));
    }
}
