using MoCoSharp.Cli.Quality;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Tests.Quality;

public sealed class RemoveCommandsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData("two words.jpg")]
    [InlineData("it's \"quoted\".jpg")]
    [InlineData("-rf")]
    [InlineData("$HOME `id` $(touch owned) ; touch owned # !.jpg")]
    [InlineData("a\n touch owned\n.jpg")]
    [InlineData("\u202egpj.exe")]
    [InlineData("*")]
    public void AScript_RemovesExactlyTheFiles_WhateverTheirNames(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "asks sh");
        var (removed, kept) = (Write(name), Write("kept\n touch owned.jpg"));
        Write("bystander.jpg");
        var commands = new RemoveCommands([Image(kept)]);
        commands.Add(Image(removed), Path.GetFileName(kept));
        File.WriteAllText(Path.Combine(folder, "remove.sh"), commands.Script("Removes\n touch owned"));

        var (code, _, error) = Moco.RunShell(folder, "sh remove.sh");

        Assert.True(code == 0, error);
        Assert.Equal(
            ["bystander.jpg", Path.GetFileName(kept), "remove.sh"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ARelativeNameThatBeginsWithADash_IsNoOption()
    {
        var commands = new RemoveCommands([]);
        commands.Add(Image("-rf"), "kept.jpg");

        Assert.Equal("rm -- ./-rf  # like kept.jpg", Assert.Single(commands.All));
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
