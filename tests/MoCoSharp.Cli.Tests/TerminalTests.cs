namespace MoCoSharp.Cli.Tests;

public sealed class TerminalTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData(80, "xterm")]
    [InlineData(0, null)]
    public void Pretrain_OnATerminal_TrainsToTheEnd(int columns, string? term)
    {
        Terminal.Require();

        var (code, screen) = Terminal.Run(folder, columns, term, ["pretrain", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:24"]);

        Assert.True(code == 0, screen);
        Assert.Contains("done: 6 steps", screen);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
