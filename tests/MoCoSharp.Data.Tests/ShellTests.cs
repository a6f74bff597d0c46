using System.Diagnostics;

namespace MoCoSharp.Data.Tests;

public sealed class ShellTests
{
    [Theory]
    [InlineData("runs/mine-001")]
    [InlineData("my photos")]
    [InlineData("it's")]
    [InlineData("a$HOME `id` \"b\" \\ * ? ; & | > < ! # ~")]
    [InlineData("shards/{000..099}.tar")]
    [InlineData("größe/日本")]
    [InlineData("")]
    public void AQuotedWord_IsOneWordToAShell(string word)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "asks sh");
        using var shell = Process.Start(
            new ProcessStartInfo("sh", ["-c", $"printf '%s|' {Shell.Quote(word)}"])
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            }
        )!;
        var said = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();

        Assert.Equal(word + "|", said);
    }

    [Theory]
    [InlineData("my photos", "\"my photos\"")]
    [InlineData("C:\\runs\\mine", "C:\\runs\\mine")]
    [InlineData("my photos\\", "'my photos\\'")] // a program reads \" as a quote
    [InlineData("a \u201d; calc; \u201c.jpg", "'a \u201d; calc; \u201c.jpg'")] // quotes, to PowerShell
    [InlineData("it's $(calc)", "'it''s $(calc)'")]
    [InlineData("a,b@c", "\"a,b@c\"")]
    public void OnWindows_AQuotedWord_IsOneWordToPowerShell(string word, string expected) =>
        Assert.Equal(expected, Shell.Quote(word, isWindows: true));

    [Fact]
    public void WhatNeedsNoQuotes_HasNone_AndNoFileIsTakenForAnOption()
    {
        Assert.Equal("runs/mine_1.2", Shell.Quote("runs/mine_1.2"));
        Assert.Equal("./-photos", Shell.Quote("-photos"));
    }
}
