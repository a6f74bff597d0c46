using ArchUnitNET.Loader;
using Assembly = System.Reflection.Assembly;

namespace MoCoSharp.Tests;

/// <summary>The house's rule: a folder uses only folders to its left (docs/architecture.md).</summary>
public sealed class LayerTests
{
    private static readonly string[] Layers =
        ["Tensors", "Distributed", "Models", "Methods", "Checkpoints", "Features", "Training", "Evaluation", "Detection", "Export"];

    [Fact]
    public void Folders_UseOnlyFoldersToTheirLeft()
    {
        var architecture = new ArchLoader().LoadAssemblies(typeof(MoCoSharp.Methods.MoCo).Assembly).Build();
        var edges = architecture.Types
            .SelectMany(type => type.Dependencies.Select(dependency => (From: Layer(type.FullName), To: Layer(dependency.Target.FullName), type.FullName, Target: dependency.Target.FullName)))
            .Where(edge => edge.From >= 0 && edge.To >= 0)
            .ToList();

        Assert.Contains(edges, edge => edge.From > edge.To); // the rule has something to look at
        Assert.Equal([], edges.Where(edge => edge.To > edge.From).Select(edge => $"{edge.FullName} uses {edge.Target}").Distinct());
    }

    [Fact]
    public void EveryFolder_HasItsPlaceInTheOrder() =>
        Assert.Equal([], typeof(MoCoSharp.Methods.MoCo).Assembly.GetExportedTypes().Select(type => type.Namespace!).Distinct().Where(name => Layer(name + ".X") < 0));

    [Fact]
    public void Data_KnowsNoTensors()
    {
        var references = typeof(MoCoSharp.Data.Views.SampleRandom).Assembly.GetReferencedAssemblies().Select(name => name.Name!);
        Assert.DoesNotContain(references, name => name.StartsWith("TorchSharp") || name == "MoCoSharp");
        Assert.DoesNotContain(Assembly.Load("MoCoSharp").GetReferencedAssemblies(), name => name.Name == "moco");
    }

    private static int Layer(string fullName) => Array.FindIndex(Layers, layer => fullName.StartsWith($"MoCoSharp.{layer}.", StringComparison.Ordinal));
}
