using System.Text.Json;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>docs/reference/configuration.md says what the records of options say.</summary>
public sealed class ConfigurationPageTests
{
    private static readonly string Verified =
        Path.Combine(DocumentationTests.Root(), "docs", "reference", "configuration.md");

    // After an intended change: MOCO_UPDATE_DOCS=1 dotnet test tests/MoCoSharp.Cli.Tests, then look at git diff.
    [Fact]
    public void EverySetting_IsInTheReference_WithItsDefaultAndMeaning()
    {
        var page = new ConfigurationPage();
        page.Add("# Configuration");
        page.Add("<!-- Generated from option records and doc comments by ConfigurationPageTests: do not edit. -->");
        page.Add(
            "A recipe is a JSON file with the settings that differ from these defaults; `//` comments are allowed.\n" +
            "`--set moco.temperature=0.1` changes one.\n" +
            "`config.json` of a run has all of them, and `moco pretrain RECIPE --dry-run --json` prints them.\n" +
            "An unknown setting is an error.");
        page.Add("## Pre-training");
        AddPreTraining(page);
        page.Add("## Detection");
        page.Add("These are the settings of `moco detect`.");
        page.AddTable(new DetectionConfig(), "", "###");
        if (Environment.GetEnvironmentVariable("MOCO_UPDATE_DOCS") is { Length: > 0 })
        {
            File.WriteAllText(Verified, $"{page}");
        }

        Assert.Equal(File.ReadAllText(Verified), $"{page}");
    }

    /// <summary>The generator reads the records by reflection; the program, by its own JSON.</summary>
    [Fact]
    public void TheDefaultsOfTheReference_AreThoseThatTheProgramWrites()
    {
        var page = new ConfigurationPage();
        AddPreTraining(page);
        using var json = JsonDocument.Parse(RunConfigFile.Write(new RunConfig()));

        Assert.All(
            Leaves(json.RootElement, ""),
            leaf => Assert.Contains($"| `{leaf.Key}` | `{leaf.Value}` |", $"{page}"));
    }

    private static void AddPreTraining(ConfigurationPage page)
    {
        page.AddTable(new RunConfig(), "", "###");
        page.Add("### Methods");
        page.Add($"A configuration has exactly one method: {string.Join(", ", PretrainMethods.Names)}.");
        foreach (var method in PretrainMethods.All)
        {
            page.AddGroup(method, method.Name, "####");
        }
    }

    private static IEnumerable<(string Key, string Value)> Leaves(JsonElement element, string prefix) =>
        element.ValueKind != JsonValueKind.Object
            ? [(prefix[..^1], JsonSerializer.Serialize(element))]
            : element.EnumerateObject().SelectMany(property => Leaves(property.Value, $"{prefix}{property.Name}."));
}
