using ArchUnitNET.Loader;
using Assembly = System.Reflection.Assembly;

namespace MoCoSharp.Tests;

/// <summary>
/// The rules of docs/architecture.md: a room uses only rooms to its left, a project only the projects it names.
/// </summary>
public sealed class LayerTests
{
    private static readonly Dictionary<string, string[]> Rooms = new(StringComparer.Ordinal)
    {
        ["MoCoSharp.Data"] = ["Images", "Kernels", "Views", "Datasets", "Loading", "Packing", "Quality"],
        ["MoCoSharp"] =
        [
            "Models", "Losses", "Optimization", "Methods", "Features", "Runs", "Encoders", "Diagnostics", "Training",
            "Evaluation", "Export",
        ],
        ["MoCoSharp.Detection"] = ["Datasets", "Model", "Metrics", "Pictures", "Transfer"],
    };

    private static readonly Dictionary<string, string[]> Projects = new(StringComparer.Ordinal)
    {
        ["MoCoSharp.Data"] = [],
        ["MoCoSharp.PyTorch"] = [],
        ["MoCoSharp.Kernels"] = [],
        ["MoCoSharp.Distributed"] = [],
        ["MoCoSharp"] = ["MoCoSharp.Data", "MoCoSharp.PyTorch", "MoCoSharp.Kernels", "MoCoSharp.Distributed"],
        ["MoCoSharp.Detection"] =
        [
            "MoCoSharp", "MoCoSharp.Data", "MoCoSharp.PyTorch", "MoCoSharp.Kernels", "MoCoSharp.Distributed",
        ],
        ["MoCoSharp.Report"] = ["MoCoSharp.Data"],
    };

    public static TheoryData<string> ProjectNames => [.. Projects.Keys];

    public static TheoryData<string> ProjectsWithRooms => [.. Rooms.Keys];

    [Theory]
    [MemberData(nameof(ProjectsWithRooms))]
    public void Rooms_UseOnlyRoomsToTheirLeft(string project)
    {
        var architecture = new ArchLoader().LoadAssemblies(Assembly.Load(project)).Build();
        var edges = architecture.Types
            .SelectMany(type => type.Dependencies, (type, dependency) => (From: type, To: dependency.Target))
            .Where(edge => Room(project, edge.From.FullName) >= 0 && Room(project, edge.To.FullName) >= 0)
            .ToList();

        // the rule has something to look at
        Assert.Contains(edges, edge => Room(project, edge.From.FullName) > Room(project, edge.To.FullName));
        Assert.Equal([], edges
            .Where(edge => Room(project, edge.To.FullName) > Room(project, edge.From.FullName))
            .Select(edge => $"{edge.From.FullName} uses {edge.To.FullName}").Distinct());
    }

    [Theory]
    [MemberData(nameof(ProjectsWithRooms))]
    public void EveryNamespace_IsARoom(string project) =>
        Assert.Equal([], Assembly.Load(project).GetExportedTypes().Select(type => type.Namespace!).Distinct()
            .Where(name => name != project && name != "MoCoSharp.Data" && Room(project, name + ".X") < 0));

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void AProject_UsesOnlyTheProjectsItNames(string project)
    {
        var used = Assembly
            .Load(project)
            .GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => Projects.ContainsKey(name) || name == "moco");

        Assert.Equal([], used.Except(Projects[project]));
    }

    [Fact]
    public void Data_KnowsNoTensors() =>
        Assert.DoesNotContain(
            Assembly.Load("MoCoSharp.Data").GetReferencedAssemblies(),
            name => name.Name!.StartsWith("TorchSharp", StringComparison.Ordinal));

    private static int Room(string project, string fullName) =>
        Array.FindIndex(Rooms[project], room => fullName.StartsWith($"{project}.{room}.", StringComparison.Ordinal));
}
