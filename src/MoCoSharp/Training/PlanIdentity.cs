using System.Reflection;
using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Tells whether two processes would train the same: version, configuration and images.</summary>
internal static class PlanIdentity
{
    private static string Version =>
        typeof(RunFolder).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "";

    /// <summary>The identity of a plan, as JSON.</summary>
    public static string Write(PretrainPlan plan)
    {
        var data = DataIdentity.From(plan.Train);
        return new JsonObject
        {
            ["version"] = Version,
            ["config"] = RunConfigFile.Write(plan.Config),
            ["images"] = data.Images,
            ["source"] = data.Source,
            ["fingerprint"] = data.Fingerprint,
        }.ToJsonString();
    }

    /// <summary>Differences of a plan from that of process 0; empty if both train the same.</summary>
    /// <param name="plan">The plan of this process.</param>
    /// <param name="identity">The identity of process 0, from <see cref="Write"/>.</param>
    public static IReadOnlyList<string> Compare(PretrainPlan plan, string identity)
    {
        var first = JsonNode.Parse(identity)!;
        var config = (string)first["config"]!;
        var images = new DataIdentity(
            (string)first["source"]!, (int)first["images"]!, (string)first["fingerprint"]!);
        List<string> differences =
        [
            .. RunDifferences.Between(config, plan.Config).Select(Say),
            .. RunDifferences.Between(images, DataIdentity.From(plan.Train)).Select(Say),
            .. (string)first["version"]! == Version
                ? Array.Empty<string>()
                : [$"version: process 0 {first["version"]}, this one {Version}"],
        ];
        if (differences.Count == 0 && Free(config) != Free(RunConfigFile.Write(plan.Config)))
        {
            differences.Add("the configuration differs in logEvery, knn, health or checkpoints from that of process 0");
        }

        return differences;
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

    private static string Say(string difference) =>
        difference
            .Replace("checkpoint ", "process 0 ", StringComparison.Ordinal)
            .Replace(", run ", ", this one ", StringComparison.Ordinal);
}
