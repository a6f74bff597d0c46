using System.Xml.Linq;
using MoCoSharp.Cli.Studies;

namespace MoCoSharp.Cli.Tests.Studies;

public sealed class StudyPlotTests
{
    [Fact]
    public void Momenta_AreSpacedByTheirNines_InOrderOfTheNumbers()
    {
        var places = PlotPlaces.Of(["0.999", "0", "0.9", "0.9", "0.99", "0.9999"]);

        Assert.Equal(["0", "0.9", "0.99", "0.999", "0.9999"], places.Names);
        Assert.Equal([0.06, 0.28, 0.5, 0.72, 0.94], places.Fractions.Select(at => Math.Round(at, 9))); // 0 to 4 nines
        Assert.Equal(", scale of log(1 − x)", places.Scale);
    }

    [Fact]
    public void QueueSizes_StandOnALogarithmicScale_AndTemperaturesOnALinearOne()
    {
        var queue = PlotPlaces.Of(["256", "1024", "65536"]);
        var temperatures = PlotPlaces.Of(["0.1", "0.2", "0.5"]);

        // 1024 is 4 times, 65536 is 256 times the smallest: a quarter of the way.
        Assert.Equal([0.06, 0.28, 0.94], queue.Fractions.Select(at => Math.Round(at, 9)));
        Assert.Equal(", logarithmic scale", queue.Scale);
        Assert.Equal([0.06, 0.28, 0.94], temperatures.Fractions.Select(at => Math.Round(at, 9)));
        Assert.Empty(temperatures.Scale);
    }

    [Fact]
    public void Categories_StandInOrderOfAppearance_WithoutALine()
    {
        var places = PlotPlaces.Of(["supervised", "(a)", "(b)", "(a)"]);
        var plot = Draw(new("MoCo", "(a)", 1, 1, 1), new("MoCo", "(b)", 2, 2, 2));

        Assert.Equal(["supervised", "(a)", "(b)"], places.Names);
        Assert.False(places.AreNumbers);
        Assert.Empty(Of(plot, "polyline"));
        Assert.Equal(2, Of(plot, "path").Count());
    }

    [Theory]
    [InlineData(61.2, 63.8, new[] { 61, 61.5, 62, 62.5, 63, 63.5, 64 }, "61.0")]
    [InlineData(0, 100, new[] { 0.0, 20, 40, 60, 80, 100 }, "0")]
    [InlineData(0.0111, 0.0138, new[] { 0.011, 0.0115, 0.012, 0.0125, 0.013, 0.0135, 0.014 }, "0.0110")]
    public void GridLines_AreRoundNumbers(double low, double high, double[] lines, string first)
    {
        var levels = PlotLevels.Around([low, high]);

        Assert.Equal(lines, levels.Lines().Select(line => Math.Round(line, 9)));
        Assert.Equal(first, levels.Text(lines[0]));
    }

    [Fact]
    public void EqualValues_HaveARangeAroundThem()
    {
        var levels = PlotLevels.Around([50, 50, double.NaN]);

        Assert.True(levels is { Low: < 50, High: > 50 } && levels.Lines().Count() > 2);
    }

    [Fact]
    public void APoint_HasTheMeanAndTheRangeOfItsSeeds_WithoutDivergedOnes()
    {
        Assert.Equal(new PlotPoint("a", "1", 4, 2, 6), PlotPoint.Of("a", "1", [2, 4, 6, double.NaN]));
        Assert.Equal(double.NaN, PlotPoint.Of("a", "1", [double.NaN]).Y);
    }

    [Fact]
    public void EachSeries_HasALineMarksAndBars_AndALegendIfThereAreSeveral()
    {
        var one = Draw(new("MoCo", "256", 50, 49, 52), new("MoCo", "1024", 60, 60, 60));
        var two = Draw(new("MoCo", "256", 50, 49, 52), new("bank", "256", 40, 40, 40));

        Assert.Single(Of(one, "polyline"));
        Assert.Equal(2, Of(one, "path").Count());
        Assert.Equal(3, Of(one, "line").Count(line => line.Attribute("class")!.Value.StartsWith("bar")));
        Assert.DoesNotContain("MoCo", Texts(one));
        Assert.Equal(["MoCo", "bank"], Texts(two).Where(text => text is "MoCo" or "bank"));
        Assert.Contains("MoCo, 256: 50 (49 to 52)", one.Descendants().Select(element => element.Value));
    }

    [Fact]
    public void ADivergedCell_IsACrossAtItsPlace()
    {
        var plot = Draw(PlotPoint.Of("MoCo", "0", [double.NaN]), PlotPoint.Of("MoCo", "0.99", [50]));

        Assert.Contains("×", Texts(plot));
        Assert.Contains("× diverged", Texts(plot));
        Assert.Contains("0", Texts(plot));
    }

    [Fact]
    public void LabelsThatWouldOverlap_AreLeftOut()
    {
        var plot = Draw([.. Enumerable.Range(1, 90).Select(i => new PlotPoint("a", $"{10_000 + i}", i, i, i))]);

        Assert.InRange(Texts(plot).Count(text => text.StartsWith("100")), 5, 30);
    }

    [Fact]
    public void Texts_AreEscaped_AndLongTitlesAreWrapped()
    {
        var name = "<script>\u0001\"&";
        var text = StudyPlot.Draw(
            string.Join(' ', Enumerable.Repeat("word", 60)), "", "x", "y",
            [new(name, "1", 1, 1, 1), new("b", "1", 1, 1, 1)]);

        var plot = XDocument.Parse(text);
        Assert.Contains("<script> \"&", Texts(plot));
        Assert.True(Of(plot, "text").Count(line => line.Attribute("class")!.Value == "title") > 1);
        Assert.Contains("prefers-color-scheme:dark", text);
    }

    private static XDocument Draw(params PlotPoint[] points) =>
        XDocument.Parse(StudyPlot.Draw("title", "note", "x", "y", points));

    private static IEnumerable<XElement> Of(XDocument plot, string name) =>
        plot.Descendants().Where(element => element.Name.LocalName == name);

    private static IEnumerable<string> Texts(XDocument plot) => Of(plot, "text").Select(element => element.Value);
}
