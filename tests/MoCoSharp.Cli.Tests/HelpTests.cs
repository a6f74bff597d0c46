using System.CommandLine;
using System.Text;
using MoCoSharp.Cli.CommandLine;

namespace MoCoSharp.Cli.Tests;

/// <summary>The help of the program and of every verb, as it stands in help.txt.</summary>
public sealed class HelpTests
{
    private static readonly string Verified = Path.Combine(
        DocumentationTests.Root(), "tests", "MoCoSharp.Cli.Tests", "help.txt");

    // After a change that is meant: MOCO_UPDATE_HELP=1 dotnet test tests/MoCoSharp.Cli.Tests, then look at what git
    // says of help.txt.
    [Fact]
    public void TheHelpOfEveryVerb_IsTheOneInHelpTxt()
    {
        var text = new StringBuilder();
        Append(Verbs.Create(), text);
        var actual = text.ToString();
        if (Environment.GetEnvironmentVariable("MOCO_UPDATE_HELP") is { Length: > 0 })
        {
            File.WriteAllText(Verified, actual);
        }

        Assert.Equal(File.ReadAllText(Verified), actual);
    }

    [Fact]
    public void NoLineOfHelp_IsWiderThanTheWindow()
    {
        foreach (var width in new[] { 40, 60, 80 })
        {
            var text = new StringBuilder();
            Append(Verbs.Create(), text, width);
            Assert.All(text.ToString().Split('\n'), line => Assert.True(line.Length <= width || IsOneName(line), line));
        }
    }

    [Fact]
    public void TheProgramAlone_PrintsItsHelp_AndExitCode2()
    {
        var (code, output, error) = Moco.Run(Path.GetTempPath());

        Assert.Equal((2, ""), (code, error));
        Assert.Equal(Moco.Run(Path.GetTempPath(), "help").Output, output);
        Assert.Equal(Moco.Run(Path.GetTempPath(), "--help").Output, output);
    }

    [Fact]
    public void Help_ShowsTheOptionsOfAVerb_AndReportsMistypedVerbs()
    {
        var (code, output, _) = Moco.Run(Path.GetTempPath(), "help", "study", "queue");
        Assert.Equal(0, code);
        Assert.StartsWith("moco study queue: ", output);
        Assert.Equal(output, Moco.Run(Path.GetTempPath(), "study", "queue", "--help").Output);

        (code, _, var error) = Moco.Run(Path.GetTempPath(), "help", "studdy");
        Assert.Equal(2, code);
        Assert.Contains("Unknown verb studdy. Did you mean study?", error);
    }

    [Fact]
    public void OutputToHead_WhichReadsOneLine_IsNoFault()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "wants a shell");
        var start = new System.Diagnostics.ProcessStartInfo(
            "bash",
            ["-c", $"set -o pipefail; {Terminal.Command("help", "pretrain")} | head -1"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = System.Diagnostics.Process.Start(start)!;

        Assert.StartsWith("moco pretrain", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    // A command to type or an option with its value stays on its line, however long.
    private static bool IsOneName(string line) =>
        line.StartsWith("  moco ") || line.StartsWith("  -") || !line.Trim().Contains(' ');

    private static void Append(Command command, StringBuilder text, int width = 100)
    {
        text.Append("===\n").Append(HelpText.Create(command, width)).Append('\n');
        foreach (var verb in command.Subcommands)
        {
            Append(verb, text, width);
        }
    }
}
