using Microsoft.Playwright;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>The page of a report in a real browser.</summary>
public sealed class ReportInBrowserTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;

    private string File => Path.Combine(_folder, "report.html");

    public ReportInBrowserTests() => System.IO.File.WriteAllText(File, RunReportPage.Create(SampleReport.Create()));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task APageFromADisk_OpensWithoutAnErrorOrARequest()
    {
        await using var chromium = await Chromium.OpenAsync(File);

        Assert.Equal(2, await chromium.Page.Locator(".js-plotly-plot").CountAsync());
        await chromium.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark }); // draws the charts again
        await chromium.Page.WaitForTimeoutAsync(300);

        Assert.Equal([], chromium.Faults);
        Assert.Equal(
            [new Uri(File).AbsoluteUri],
            chromium.Requests.Where(address => !address.StartsWith("data:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task TheCursor_ShowsTheValuesOfAllCharts()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var plot = await chromium.Page.Locator("#curves .nsewdrag").First.BoundingBoxAsync();

        await chromium.Page.Mouse.MoveAsync(plot!.X + (plot.Width / 2), plot.Y + (plot.Height / 2));
        var label = chromium.Page.Locator("#curves .hoverlayer .legend");
        await label.WaitForAsync();

        var text = await label.TextContentAsync();
        Assert.All(["loss", "kNN of the encoder", "learning rate"], name => Assert.Contains(name, text));
    }

    [Fact]
    public async Task TheSlider_ShowsTheNeighborsOfAnotherCheckpoint()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var (title, rows) = (chromium.Page.Locator("#stage-title"), chromium.Page.Locator("#neighbors .row"));
        Assert.Equal(
            "after 10 epochs: 4 of 4 neighbors have the class of the query", await title.TextContentAsync());
        Assert.Equal(2, await rows.CountAsync());

        await chromium.Page.Locator("#stage").FocusAsync();
        await chromium.Page.Keyboard.PressAsync("Home");

        Assert.Equal(
            "before training: 0 of 4 neighbors have the class of the query", await title.TextContentAsync());
        var names = await rows.Locator("[role=img]").EvaluateAllAsync<string[]>(
            "images => images.map(image => image.getAttribute('aria-label'))");
        Assert.Equal("<script>alert(1)</script>.jpg (<b>stripes</b>)", names[0]); // text, not markup
        Assert.Equal("two\\u000alines.png (rings)", names[1]);
    }

    [Fact]
    public async Task APointOfTheMap_ShowsItsImage_AndALassoListsThoseInside()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var page = chromium.Page;
        await page.Locator("#map").ScrollIntoViewIfNeededAsync();
        var point = await page.Locator("#map .points path").First.BoundingBoxAsync(); // the first image of class 0

        await page.Mouse.MoveAsync(point!.X + (point.Width / 2), point.Y + (point.Height / 2));
        await page.Locator("#shown .thumbnail").WaitForAsync();
        Assert.Equal(
            ["", "<script>alert(1)</script>.jpg", "<b>stripes</b>", "cluster 1: 50 % <b>stripes</b>"],
            await page.Locator("#shown > div").AllTextContentsAsync());

        var plot = await page.Locator("#map .nsewdrag").First.BoundingBoxAsync();
        await DragAsync(page, plot!);
        await page.Locator("#selection .thumbnail").First.WaitForAsync();
        Assert.Equal(SampleReport.Images, await page.Locator("#selection .thumbnail").CountAsync());
        Assert.Equal("60 images selected", await page.Locator("#selection-title").TextContentAsync());
        Assert.Equal([], chromium.Faults);
    }

    [Fact]
    public async Task AClickInTheLegend_HidesAClass()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var classes = chromium.Page.Locator("#map .scatterlayer .trace");
        Assert.Equal(10, await classes.CountAsync());
        Assert.Equal("<b>stripes</b>", await chromium.Page.Locator("#map .legendtext").First.TextContentAsync());

        await chromium.Page.Locator("#map .legendtoggle").First.ClickAsync();

        await chromium.Page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#map .scatterlayer .trace').length === 9");
    }

    [Fact]
    public async Task TheMap_IsColoredByClassOrByCluster_AndTheLassoWorksInBoth()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var page = chromium.Page;
        Assert.Equal(10, await page.Locator("#map .scatterlayer .trace").CountAsync());

        await page.Locator("#map-colors").SelectOptionAsync("clusters");

        await page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#map .scatterlayer .trace').length === 3");
        Assert.Equal(
            ["cluster 1: 50 % <b>stripes</b>", "cluster 2", "cluster 3"],
            await page.Locator("#map .legendtext").AllTextContentsAsync());
        await page.Locator("#map").ScrollIntoViewIfNeededAsync();
        await DragAsync(page, (await page.Locator("#map .nsewdrag").First.BoundingBoxAsync())!);
        await page.Locator("#selection .thumbnail").First.WaitForAsync();
        Assert.Equal("60 images selected", await page.Locator("#selection-title").TextContentAsync());

        await page.Locator("#map-colors").SelectOptionAsync("labels"); // other colors, nothing selected

        await page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#map .scatterlayer .trace').length === 10");
        Assert.Equal(0, await page.Locator("#selection .thumbnail").CountAsync());
        Assert.Equal([], chromium.Faults);
    }

    [Fact]
    public async Task TheSliderOfTheMap_MovesItsPoints_AndThoseOfALassoStaySelected()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var page = chromium.Page;
        Assert.Equal("after 10 epochs", await page.Locator("#map-stage-title").TextContentAsync());
        await page.Locator("#map").ScrollIntoViewIfNeededAsync();
        await DragAsync(page, (await page.Locator("#map .nsewdrag").First.BoundingBoxAsync())!);
        await page.Locator("#selection .thumbnail").First.WaitForAsync();
        var second = page.Locator("#map .points").Nth(0).Locator("path").Nth(1);
        var before = (await second.BoundingBoxAsync())!;

        await page.Locator("#map-stage").FocusAsync();
        await page.Keyboard.PressAsync("Home");

        await page.Locator("#map[data-shows='before training']").WaitForAsync();
        Assert.Equal("before training", await page.Locator("#map-stage-title").TextContentAsync());
        var after = (await second.BoundingBoxAsync())!;
        Assert.True(Math.Abs(after.X - before.X) + Math.Abs(after.Y - before.Y) > 50);
        Assert.Equal(SampleReport.Images, await page.Locator("#selection .thumbnail").CountAsync());
        Assert.Equal([], chromium.Faults);
    }

    [Fact]
    public async Task AHiddenClass_StaysHidden_WhenTheSliderMoves()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var page = chromium.Page;
        await page.Locator("#map .legendtoggle").First.ClickAsync();
        await page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#map .scatterlayer .trace').length === 9");

        await page.Locator("#map-stage").FocusAsync();
        await page.Keyboard.PressAsync("Home");

        await page.Locator("#map[data-shows='before training']").WaitForAsync();
        Assert.Equal("before training", await page.Locator("#map-stage-title").TextContentAsync());
        Assert.Equal(9, await page.Locator("#map .scatterlayer .trace").CountAsync());
        Assert.Equal([], chromium.Faults);
    }

    [Fact]
    public async Task Thumbnails_OfClustersShowTheirPartOfTheSheet()
    {
        await using var chromium = await Chromium.OpenAsync(File);
        var exemplar = chromium.Page.Locator(".cluster .thumbnail").Nth(1); // the second of 13 in one row

        Assert.Equal(
            ["68px", "68px", "884px 68px", "-68px 0px"],
            await exemplar.EvaluateAsync<string[]>(
                "e => (s => [s.width, s.height, s.backgroundSize, s.backgroundPosition])(getComputedStyle(e))"));
        Assert.Equal("a\"b'.png (checks)", await exemplar.GetAttributeAsync("title"));
    }

    [Fact]
    public async Task AClickInTheLegendOfAComparison_HidesARunInAllCharts()
    {
        var file = Path.Combine(_folder, "comparison.html");
        await System.IO.File.WriteAllTextAsync(
            file, ComparisonPage.Create(SampleReport.Comparison()), TestContext.Current.CancellationToken);
        await using var chromium = await Chromium.OpenAsync(file);
        var curves = chromium.Page.Locator("#curves .scatterlayer .trace");
        Assert.Equal(4, await curves.CountAsync()); // two runs in two charts
        Assert.Equal(
            ["<b>first</b>", "second"], await chromium.Page.Locator("#curves .legendtext").AllTextContentsAsync());
        var swatches = await chromium.Page.Locator(".swatch").EvaluateAllAsync<string[]>(
            "all => all.map(swatch => swatch.style.background)");
        Assert.Equal(2, swatches.Distinct().Count());

        await chromium.Page.Locator("#curves .legendtoggle").First.ClickAsync();

        await chromium.Page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#curves .scatterlayer .trace').length === 2");
        await chromium.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark }); // draws the charts again
        await chromium.Page.WaitForTimeoutAsync(300);
        Assert.Equal([], chromium.Faults);
        Assert.Equal(
            [new Uri(file).AbsoluteUri],
            chromium.Requests.Where(address => !address.StartsWith("data:", StringComparison.Ordinal)));
    }

    // Around the whole plot.
    private static async Task DragAsync(IPage page, LocatorBoundingBoxResult plot)
    {
        var (left, top, right, bottom) = (plot.X + 2, plot.Y + 2, plot.X + plot.Width - 2, plot.Y + plot.Height - 2);
        await page.Mouse.MoveAsync(left, top);
        await page.Mouse.DownAsync();
        foreach (var (x, y) in new[] { (right, top), (right, bottom), (left, bottom), (left, top) })
        {
            await page.Mouse.MoveAsync(x, y, new() { Steps = 5 });
        }

        await page.Mouse.UpAsync();
    }
}
