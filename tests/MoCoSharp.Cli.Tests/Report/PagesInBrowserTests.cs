using Microsoft.Playwright;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>
/// The map and the galleries of moco search, duplicates and doctor in a real browser, with names that could be markup.
/// </summary>
public sealed class PagesInBrowserTests : IClassFixture<PagesInBrowserTests.OddRun>
{
    private readonly OddRun _made;

    public PagesInBrowserTests(OddRun made)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such names");
        _made = made;
    }

    [Theory]
    [InlineData("search", "run", "--data", "odd", "--image", "odd", "-k", "3")]
    [InlineData("duplicates", "--data", "odd")]
    [InlineData("doctor", "--data", "odd")]
    public async Task AGallery_OpensFromADisk_AndShowsNamesAsText(params string[] command)
    {
        var file = _made.Create($"{command[0]}.html", command);
        await using var chromium = await Chromium.OpenAsync(file, "body");

        AssertQuiet(chromium, file);
        var names = await chromium.Page.Locator("figcaption bdi").AllTextContentsAsync();
        Assert.All(OddRun.Shown, name => Assert.Contains(name, names));
        Assert.DoesNotContain('`', await chromium.Page.Locator("body").InnerTextAsync());
        Assert.Equal(0, await chromium.Page.Locator("body script").CountAsync());
    }

    [Theory]
    [InlineData(400)]
    [InlineData(1280)]
    public async Task AGallery_FitsTheWindow_InLightAndDark(int width)
    {
        var file = _made.Create($"wide{width}.html", "search", "run", "--image", "odd", "-k", "20");
        await using var chromium = await Chromium.OpenAsync(file, "body");
        await chromium.Page.SetViewportSizeAsync(width, 800);

        Assert.True(await chromium.Page.EvaluateAsync<bool>(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"));
        Assert.Equal("rgb(255, 255, 255)", await GroundAsync());
        await chromium.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        Assert.Equal("rgb(20, 23, 26)", await GroundAsync());

        Task<string> GroundAsync() =>
            chromium.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
    }

    [Fact]
    public async Task TheMap_ShowsAnImageUnderThePointer_AndALineAroundAllListsThem()
    {
        var file = _made.Create("map.html", "map", "run", "--data", "photos/train", "--by", "pca");
        await using var chromium = await Chromium.OpenAsync(file);
        var (page, listed) = (chromium.Page, chromium.Page.Locator("#inside figure"));
        await page.SetViewportSizeAsync(1280, 1200);
        AssertQuiet(chromium, file);
        var hint = await page.Locator("#selected").TextContentAsync();

        var place = await page.EvaluateAsync<double[]>("[placeX(7), placeY(7)]");
        var canvas = (await page.Locator("canvas").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(canvas.X + 1 + (float)place[0], canvas.Y + 1 + (float)place[1]);
        Assert.Equal(
            await page.EvaluateAsync<string>("map.names[7]"),
            await page.Locator("output bdi").TextContentAsync());
        Assert.Equal(1, await page.Locator("output img").CountAsync());

        await AroundAllAsync();
        Assert.Equal(40, await listed.CountAsync());
        Assert.Equal(40, await listed.Locator("img").CountAsync());
        Assert.Equal("Inside the line: 40 of 40 images.", await page.Locator("#selected").TextContentAsync());

        await page.Locator(".map button").First.ClickAsync(); // hides the first class
        Assert.Equal("false", await page.Locator(".map button").First.GetAttributeAsync("aria-pressed"));
        await AroundAllAsync();
        Assert.Equal(
            await page.EvaluateAsync<int>("map.labels.filter(label => label !== 0).length"), await listed.CountAsync());

        await page.Mouse.ClickAsync(canvas.X + 20, canvas.Y + 20); // a point is no line
        Assert.Equal(0, await listed.CountAsync());
        Assert.Equal(hint, await page.Locator("#selected").TextContentAsync());
        AssertQuiet(chromium, file);

        async Task AroundAllAsync()
        {
            await page.Mouse.MoveAsync(canvas.X + 2, canvas.Y + 2);
            await page.Mouse.DownAsync();
            foreach (var (x, y) in new[] { (1f, 0f), (1f, 1f), (0f, 1f) })
            {
                await page.Mouse.MoveAsync(
                    canvas.X + 2 + (x * (canvas.Width - 4)), canvas.Y + 2 + (y * (canvas.Height - 4)));
            }

            await page.Mouse.UpAsync();
        }
    }

    [Fact]
    public async Task TheMap_ShowsNamesAsText()
    {
        var file = _made.Create("odd-map.html", "map", "run", "--data", "odd", "--by", "pca");
        await using var chromium = await Chromium.OpenAsync(file);

        AssertQuiet(chromium, file);
        var names = await chromium.Page.EvaluateAsync<string[]>(
            "map.names.map((name, i) => { show(i); return document.querySelector('output bdi').textContent; })");
        Assert.Equal(OddRun.Shown.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        Assert.Equal(0, await chromium.Page.Locator("output script").CountAsync());
    }

    private static void AssertQuiet(Chromium chromium, string file)
    {
        Assert.Equal([], chromium.Faults);
        Assert.Equal(
            [new Uri(file).AbsoluteUri],
            chromium.Requests.Where(address => !address.StartsWith("data:", StringComparison.Ordinal)));
    }

    /// <summary>A run, and a folder of equal images with odd names.</summary>
    public sealed class OddRun : IDisposable
    {
        private readonly SelectTests.TinyRun _run = new();

        public OddRun()
        {
            if (OperatingSystem.IsWindows())
            {
                return;
            }

            var odd = Directory.CreateDirectory(Path.Combine(_run.Folder, "odd")).FullName;
            var tiny = ImageEncoder.Png(new Patterns(1, 24, 5).Read(0).Image); // so small that doctor lists each
            foreach (var name in new[] { "<script>.png", "a\"b.png", "two\nlines.png", "\u05d0\u202e.png" })
            {
                File.WriteAllBytes(Path.Combine(odd, name), tiny);
            }
        }

        /// <summary>The names of the folder as a page shows them.</summary>
        public static IReadOnlyList<string> Shown { get; } =
            ["<script>.png", "a\"b.png", "two\\u000alines.png", "\u05d0\\u202e.png"];

        /// <summary>The file that a command writes.</summary>
        public string Create(string file, params string[] command)
        {
            var (code, _, error) = Moco.Run(_run.Folder, [.. command, "-o", file]);
            Assert.True(code == 0 || command[0] == "doctor", error); // doctor finds the duplicates
            return Path.Combine(_run.Folder, file);
        }

        public void Dispose() => _run.Dispose();
    }
}
