using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class StateMetadataTests
{
    private static readonly StateMetadata Metadata = new("file", new Dictionary<string, string>
    {
        ["format"] = "a",
        ["step"] = "12",
        ["batch"] = "-1",
    });

    [Fact]
    public void ANumber_IsReadOrRefused_NamingFileAndKey()
    {
        Assert.Equal(12, Metadata.GetNumber("step"));
        Assert.Equal(7, Metadata.GetNumber("epoch", ifMissing: 7));
        Assert.Equal(
            "file: batch is \"-1\", expected a number of 0 or more. Was it made by another program?",
            Assert.Throws<InvalidDataException>(() => Metadata.GetNumber("batch", ifMissing: 7)).Message);
        Assert.Equal(
            "file: epoch is missing. Was it made by another program?",
            Assert.Throws<InvalidDataException>(() => Metadata.GetNumber("epoch")).Message);
    }

    [Fact]
    public void AnotherFormat_IsRefused_WithBoth()
    {
        Metadata.Require("format", "a", "is no such file");

        Assert.Equal(
            "file: is no such file: its format is \"a\", expected \"b\". Remove it.",
            Assert
                .Throws<InvalidDataException>(() => Metadata.Require("format", "b", "is no such file", " Remove it."))
                .Message);
    }

    [Fact]
    public void AFileWithoutChecksum_IsRefused()
    {
        new StateMetadata("file", new Dictionary<string, string> { [Checksum.Key] = "0" }).RequireChecksum();

        Assert.StartsWith(
            "file: has no checksum",
            Assert.Throws<InvalidDataException>(Metadata.RequireChecksum).Message);
    }

    [Fact]
    public void NumberRows_KeepEveryBit()
    {
        double[][] rows = [[1, 0.1, double.NaN], [1e300, -1.0 / 3, double.Epsilon]];
        var text = NumberRows.Write(rows);

        Assert.Equal("1 0.1 NaN\n1E+300 -0.3333333333333333 5E-324", text);
        Assert.Equal(rows, NumberRows.Parse(text, 3, line => new(line)));
        Assert.Empty(NumberRows.Parse("", 3, line => new(line)));
    }

    [Theory]
    [InlineData("1 2", "1 2")]
    [InlineData("1 2 3\n1 2 x", "1 2 x")]
    [InlineData("1 2 3\n1 2 3 4", "1 2 3 4")]
    public void NumberRows_ALineThatIsNoRow_IsRefused(string text, string line) =>
        Assert.Equal(
            line,
            Assert.Throws<InvalidDataException>(() => NumberRows.Parse(text, 3, bad => new(bad))).Message);
}
