using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Distributed.Nccl;
using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>Checks that several processes agree before they train together.</summary>
internal static class RankAgreement
{
    /// <summary>
    /// Returns all faults that prevent the start, the same on every process; empty if there are none.
    /// </summary>
    /// <remarks>Each process must have the same version, configuration and images as the first.</remarks>
    /// <param name="group">Every process must call this.</param>
    /// <param name="plan">The plan of this process; null if it has faults.</param>
    /// <param name="faults">The faults of this process.</param>
    public static IReadOnlyList<string> Faults(IProcessGroup group, PretrainPlan? plan, List<string> faults)
    {
        if (group.Size == 1)
        {
            return faults;
        }

        var agreed = Processes.Agree(group, faults);
        if (agreed.Count > 0)
        {
            return agreed;
        }

        var first = group.Broadcast(plan!.Identity());
        return Processes.Agree(group, plan.DifferencesFrom(first));
    }

    /// <summary>
    /// Joins the GPUs of the processes; returns the group unchanged on the CPU. "cuda" then means this process's GPU.
    /// </summary>
    public static IProcessGroup OnDevices(IProcessGroup group, string device) =>
        group is MpiGroup && device.StartsWith("cuda", StringComparison.Ordinal)
        ? NcclGroup.JoinGpus(group, TorchSharp.torch.cuda.device_count())
        : group;

    /// <summary>Describes the processes, for the end of a run's description.</summary>
    public static string Describe(IProcessGroup group) => group is MpiGroup mpi
        ? $" each; {group.Size} processes on {mpi.Hosts.Distinct(StringComparer.Ordinal).Count()} " +
            $"{(mpi.Hosts.Distinct(StringComparer.Ordinal).Count() == 1 ? "machine" : "machines")}, {mpi.Library}"
        : "";
}
