namespace MoCoSharp.Cli.Tests;

/// <summary>The note about a machine that other programs use.</summary>
public sealed class BusyMachineTests
{
    [Theory]
    [InlineData("0.20 0.18 0.12 3/80 11206\n", 3)]
    [InlineData("8.00 7.90 6.00 11/512 9", 11)]
    [InlineData("", 0)]
    [InlineData("0.20 0.18 0.12 many/80 1", 0)]
    public void TheRunningThreads_AreReadFromTheLoad(string line, int running) =>
        Assert.Equal(running, BusyMachine.Running(line));

    [Fact]
    public void SeveralThreads_BesideAsManyOthersAsCores_AreToldOfOne()
    {
        Assert.EndsWith("--set threads=1 loader.workers=1", BusyMachine.Note(others: 2, cores: 2, threads: 2));
        Assert.Null(BusyMachine.Note(others: 1, cores: 2, threads: 2));
        Assert.Null(BusyMachine.Note(others: 8, cores: 2, threads: 1));
    }
}
