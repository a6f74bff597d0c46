using System.Reflection;
using System.Text.Json.Nodes;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Distributed.Nccl;
using MoCoSharp.Runs;
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

        var data = DataIdentity.From(plan!.Train);
        var first = JsonNode.Parse(GroupText.Broadcast(group, new JsonObject
        {
            ["version"] = Version,
            ["config"] = RunConfigFile.Write(plan.Config),
            ["images"] = data.Images,
            ["source"] = data.Source,
            ["fingerprint"] = data.Fingerprint,
        }.ToJsonString()))!;
        List<string> differences =
        [
            .. RunDifferences.Between((string)first["config"]!, plan.Config).Select(Say),
            .. RunDifferences
                .Between(
                    new DataIdentity((string)first["source"]!, (int)first["images"]!, (string)first["fingerprint"]!),
                    data)
                .Select(Say),
            .. (string)first["version"]! == Version
                ? Array.Empty<string>()
                : [$"version: process 0 {first["version"]}, this one {Version}"],
        ];
        if (differences.Count == 0 && Free((string)first["config"]!) != Free(RunConfigFile.Write(plan.Config)))
        {
            differences.Add("the configuration differs in logEvery, knn, health or checkpoints from that of process 0");
        }

        return Processes.Agree(group, differences);
    }

    // The location of the images and the loader settings may differ between machines.
    private static string Free(string config)
    {
        var parsed = JsonNode.Parse(config)!.AsObject();
        foreach (var key in new[] { "data", "validation", "loader" })
        {
            parsed.Remove(key);
        }

        return parsed.ToJsonString();
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

    private static string Version =>
        typeof(RunFolder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "";

    private static string Say(string difference) =>
        difference
            .Replace("checkpoint ", "process 0 ", StringComparison.Ordinal)
            .Replace(", run ", ", this one ", StringComparison.Ordinal);
}
