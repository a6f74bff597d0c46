using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace MoCoSharp.Report.RunReports;

/// <summary>What a page that a server keeps up to date needs besides its report.</summary>
/// <param name="Status">How far the run is.</param>
/// <param name="Cursor">How much of the metrics the charts hold. The server continues from there.</param>
/// <param name="Images">The neighbors, map and other images that the page holds.</param>
internal sealed record LivePage(LiveStatus Status, string Cursor, LiveImageParts Images);

/// <summary>Which neighbors, map and other images there are: the data of the event "images".</summary>
/// <param name="Version">Differs for another checkpoint; empty if there are none.</param>
/// <param name="Title">The stage of training, such as "after 10 epochs (step 390)".</param>
internal sealed record LiveImageParts(string Version, string Title);

/// <summary>How far a run is: the data of the event "status".</summary>
/// <param name="Run">Identifies the run folder. A page of another run loads again.</param>
/// <param name="State">"training", "finished", "stopped" or "diverged".</param>
/// <param name="Text">A sentence or a few figures.</param>
internal sealed record LiveStatus(string Run, string State, string Text);

/// <summary>Charts: the data of the events "charts", which replaces all, and "points", which appends.</summary>
/// <param name="StepTitle">The title of the horizontal axis.</param>
/// <param name="Titles">The titles of all charts that may come, from top to bottom.</param>
/// <param name="Charts">The charts.</param>
internal sealed record LiveCharts(string StepTitle, IReadOnlyList<string> Titles, IReadOnlyList<Chart> Charts);

/// <summary>A part of the page: the data of the event "part".</summary>
/// <param name="Name">Such as "health".</param>
/// <param name="Version">Differs if the markup differs.</param>
/// <param name="Markup">Empty if the part has no data.</param>
internal sealed record LivePart(string Name, string Version, string Markup)
{
    private const int VersionDigits = 16;

    /// <summary>A part, with its version.</summary>
    public static LivePart From(string name, string markup) => new(
        name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(markup)))[..VersionDigits], markup);
}

/// <summary>Writes the data of events.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LiveStatus))]
[JsonSerializable(typeof(LiveCharts))]
[JsonSerializable(typeof(LivePart))]
[JsonSerializable(typeof(LiveImageParts))]
internal sealed partial class LiveJson : JsonSerializerContext;
