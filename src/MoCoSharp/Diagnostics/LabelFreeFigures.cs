using System.Text.Json.Nodes;
using MoCoSharp.Data;
using static System.FormattableString;

namespace MoCoSharp.Diagnostics;

/// <summary>Label-free measures of an encoder.</summary>
/// <param name="PooledRank">RankMe of the pooled features.</param>
/// <param name="HeadRank">RankMe of the head's outputs.</param>
/// <param name="Lidar">LiDAR of the head's outputs; null if it was not measured.</param>
/// <param name="Images">Number of images of the ranks. More images give higher ranks.</param>
/// <param name="Seconds">Duration in seconds.</param>
public sealed record LabelFreeFigures(double PooledRank, double HeadRank, double? Lidar, int Images, double Seconds)
{
    /// <summary>The figures in a phrase.</summary>
    public override string ToString() =>
        Invariant($"effective rank {PooledRank:F1} (pooled), {HeadRank:F1} (head)") +
        (Lidar is { } lidar ? Invariant($", LiDAR {lidar:F1}") : "");

    internal JsonObject ToJson() => new()
    {
        ["pooledRank"] = PooledRank,
        ["headRank"] = HeadRank,
        ["lidar"] = Lidar,
        ["images"] = Images,
    };

    internal static LabelFreeFigures? From(JsonObject line) => line["labelFree"] is JsonObject json
        ? new LabelFreeFigures(
            (double)json.Required("pooledRank"), (double)json.Required("headRank"), (double?)json["lidar"],
            (int)json.Required("images"),
            (double?)line["seconds"] ?? 0)
        : null;
}
