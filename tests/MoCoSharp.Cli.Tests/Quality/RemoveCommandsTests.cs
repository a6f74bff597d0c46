using MoCoSharp.Cli.Quality;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Tests.Quality;

public sealed class RemoveCommandsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public static TheoryData<string> Names =>
    [
        "two words.jpg", "it's \"quoted\".jpg", "-rf", "$HOME `id` $(touch owned) ; touch owned # !.jpg",
        "a\n touch owned\n.jpg", "\u202egpj.exe", "*", "[a].jpg", "größe 日本.jpg",
        "it\u2019s $(touch owned) \u2018; touch owned \u201b \u201a.jpg",
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void AScript_RemovesExactlyTheFiles_WhateverTheirNames(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "asks sh");
        RunsAndRemoves(name, isPowerShell: false, "sh remove.sh");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void AScriptForPowerShell_DoesTheSame(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "has names that Windows does not allow");
        RunsAndRemoves(name, isPowerShell: true, $"{PowerShell()} -NoProfile -NonInteractive -File remove.ps1");
    }

    private void RunsAndRemoves(string name, bool isPowerShell, string command)
    {
        var (removed, kept) = (Write(name), Write("kept\n touch owned.jpg"));
        Write("bystander.jpg");
        var commands = new RemoveCommands([Image(kept)], isPowerShell);
        commands.Add(Image(removed), Path.GetFileName(kept));
        File.WriteAllBytes(Path.Combine(folder, commands.ScriptName), commands.Script("Removes\n touch owned"));

        var (code, _, error) = Moco.RunShell(folder, command);

        Assert.True(code == 0 && error.Length == 0, error);
        Assert.Equal(
            ["bystander.jpg", Path.GetFileName(kept), commands.ScriptName],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        File.Delete(Path.Combine(folder, commands.ScriptName));
    }

    private static string PowerShell()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Append(Path.Combine(home, ".dotnet", "tools"))
            .Select(path => Path.Combine(path, "pwsh"))
            .FirstOrDefault(File.Exists);
        if (found is null)
        {
            const string reason = "There is no PowerShell: dotnet tool install --global powershell";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        return found;
    }

    [Fact]
    public void ARelativeNameThatBeginsWithADash_IsNoOption()
    {
        var commands = new RemoveCommands([], isPowerShell: false);
        commands.Add(Image("-rf"), "kept.jpg");

        Assert.Equal("rm -- ./-rf  # like kept.jpg", Assert.Single(commands.All));
    }

    [Fact]
    public void OnWindows_CommandsAreForPowerShell_BecauseCmdHasNoComments()
    {
        var commands = new RemoveCommands([], isPowerShell: true);
        commands.Add(Image("~/it's.jpg"), "kept.jpg");

        var path = Path.GetFullPath("~/it's.jpg").Replace("'", "''"); // to PowerShell, ~ is the home folder
        Assert.Equal($"Remove-Item -LiteralPath '{path}'  # like kept.jpg", Assert.Single(commands.All));
    }

    [Fact]
    public void OnWindows_TheKeptFileInOtherCase_HasNoCommand()
    {
        var commands = new RemoveCommands([Image("photos/A.jpg")], isPowerShell: true);
        commands.Add(Image("Photos/a.JPG"), "A.jpg");
        commands.Add(Image("photos/b.jpg"), "A.jpg");
        commands.Add(Image("photos/B.jpg"), "A.jpg");

        Assert.Contains("b.jpg", Assert.Single(commands.All));
        Assert.Equal(1, commands.Omitted);
    }

    [Fact]
    public void ANameThatUtf8CannotHold_HasNoCommand_BecauseItWouldNameAnotherFile()
    {
        var commands = new RemoveCommands([], isPowerShell: true);
        commands.Add(Image("a\ud800.jpg"), "kept.jpg");

        Assert.Empty(commands.All);
        Assert.Equal(1, commands.Omitted);
    }

    [Fact]
    public void ACommandWithAControlCharacter_IsInTheScriptAlone()
    {
        var commands = new RemoveCommands([]);
        commands.Add(Image(Write("a\u001b[31m.jpg")), "kept.jpg");

        Assert.Empty(commands.Printable);
        Assert.Single(commands.All);
    }

    [Fact]
    public void TheKeptFileUnderAnotherName_HasNoCommand()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links of Unix");
        var kept = Write("real/a.jpg");
        Directory.CreateSymbolicLink(Path.Combine(folder, "linked"), Path.Combine(folder, "real"));
        File.CreateSymbolicLink(Path.Combine(folder, "link.jpg"), kept);
        var commands = new RemoveCommands([Image(kept)]);

        commands.Add(Image(kept), "a.jpg"); // a list that names it twice
        commands.Add(Image(Path.Combine(folder, "linked", "a.jpg")), "a.jpg");
        commands.Add(Image(Path.Combine(folder, "link.jpg")), "a.jpg");
        commands.Add(new ImageFacts(4, "in an archive"), "a.jpg");

        Assert.Empty(commands.All);
        Assert.Equal(4, commands.Omitted);
    }

    [Fact]
    public void AFileThatALinkKeeps_HasNoCommand()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links of Unix");
        var real = Write("z.jpg");
        var link = Path.Combine(folder, "a.jpg");
        File.CreateSymbolicLink(link, real);
        var commands = new RemoveCommands([Image(link)]);

        commands.Add(Image(real), "a.jpg");

        Assert.Empty(commands.All);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static ImageFacts Image(string path) => new(0, Path.GetFileName(path)) { Path = path };

    private string Write(string name)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, name);
        return path;
    }
}
