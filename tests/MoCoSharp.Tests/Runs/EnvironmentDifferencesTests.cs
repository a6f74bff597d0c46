using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class EnvironmentDifferencesTests
{
    private static readonly string Now = RunFolder.EnvironmentJson();

    [Fact]
    public void TheSameMachine_HasNone_HoweverTheProgramWasStarted()
    {
        var before = Changed(("commandLine", "pretrain --run other"), ("started", "2020-01-01"), ("cores", 999));

        Assert.Empty(EnvironmentDifferences.Between(before, Now, usesGpu: false));
        Assert.Empty(EnvironmentDifferences.Between(before, Now, usesGpu: true));
    }

    [Fact]
    public void AnotherProcessorAndLibtorch_AreNamed_BeforeAndNow()
    {
        var changes = EnvironmentDifferences.Between(
            Changed(("processor", "Ryzen 1"), ("libtorch", "1.0")), Now, usesGpu: false);

        Assert.Equal(
            [$"libtorch 1.0, now {Value("libtorch")}", $"processor Ryzen 1, now {Value("processor")}"], changes);
    }

    [Fact]
    public void AnotherCommitOrFolder_OfTheSameVersions_IsNoChange()
    {
        var before = Changed(
            ("mocoSharp", Value("mocoSharp").Split('+')[0] + "+0123abc"),
            ("libtorch", Value("libtorch") + " from /a/folder"));

        Assert.Empty(EnvironmentDifferences.Between(before, Now, usesGpu: false));
    }

    [Fact]
    public void ControlCharactersOfAFile_DoNotReachTheTerminal() => Assert.Equal(
        [$"processor ?[2Jx, now {Value("processor")}"],
        EnvironmentDifferences.Between(Changed(("processor", "\u001b[2Jx")), Now, usesGpu: false));

    [Fact]
    public void AKernelThatIsSwitchedOff_IsNamed()
    {
        var before = JsonNode.Parse(Now)!.AsObject();
        before["kernels"]!["sgd"] = "off";

        Assert.Equal(
            [$"kernel sgd off, now {JsonNode.Parse(Now)!["kernels"]!["sgd"]}"],
            EnvironmentDifferences.Between(before.ToJsonString(), Now, usesGpu: false));
        Assert.Empty(EnvironmentDifferences.Between(before.ToJsonString(), Now, usesGpu: true));
    }

    [Fact]
    public void OfAnotherProcessor_KernelsAreNotNamed()
    {
        var before = JsonNode.Parse(Changed(("processor", "Ryzen 1")))!.AsObject();
        before["kernels"]!["sgd"] = "off";

        Assert.Equal(
            [$"processor Ryzen 1, now {Value("processor")}"],
            EnvironmentDifferences.Between(before.ToJsonString(), Now, usesGpu: false));
    }

    [Theory]
    [InlineData("2.10.0", "2.10.0+cu128")]
    [InlineData("2.10.0+cpu", "2.10.0+cu128")]
    public void AnotherBuildOfLibtorch_IsAChange(string before, string now)
    {
        var second = JsonNode.Parse(Now)!.AsObject();
        second["libtorch"] = now;

        Assert.Equal(
            [$"libtorch {before}, now {now}"],
            EnvironmentDifferences.Between(Changed(("libtorch", before)), second.ToJsonString(), usesGpu: false));
    }

    [Fact]
    public void OfARunOnAGpu_TheGpusCount_AndNotTheProcessor()
    {
        var before = JsonNode.Parse(Changed(("processor", "Ryzen 1")))!.AsObject();
        var now = JsonNode.Parse(Now)!.AsObject();
        (before["gpus"], now["gpus"]) = (new JsonArray("H100", "H100"), null);
        Assert.Equal(
            ["GPUs H100, now none"],
            EnvironmentDifferences.Between(before.ToJsonString(), now.ToJsonString(), usesGpu: true));

        now["gpus"] = new JsonArray("H100"); // one of two is visible
        Assert.Empty(EnvironmentDifferences.Between(before.ToJsonString(), now.ToJsonString(), usesGpu: true));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("no JSON")]
    [InlineData("""{"kernels": 3}""")]
    [InlineData("""{"processor": "a", "processor": "b"}""")]
    [InlineData("""{"processor": "\ud800"}""")]
    public void AFileThatSaysNothing_HasNone(string before) =>
        Assert.Empty(EnvironmentDifferences.Between(before, Now, usesGpu: false));

    private static string Changed(params (string Key, JsonNode Value)[] changes)
    {
        var json = JsonNode.Parse(Now)!.AsObject();
        foreach (var (key, value) in changes)
        {
            json[key] = value;
        }

        return json.ToJsonString();
    }

    private static string Value(string key) => JsonNode.Parse(Now)![key]!.ToString();
}
