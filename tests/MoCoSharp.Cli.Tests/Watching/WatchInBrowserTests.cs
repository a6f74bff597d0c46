using Microsoft.Playwright;
using MoCoSharp.Cli.Tests.Report;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>The page of a training run in a real browser.</summary>
public sealed class WatchInBrowserTests : IDisposable
{
    private static readonly string[] Settings = [.. Moco.Tiny.Split(' '), "data=patterns:40", "logEvery=1"];

    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ThePage_FollowsATrainingToItsEnd_AndANewServer()
    {
        Train(["pretrain", "patterns", "--steps", "2", "--run", "run", "--set", .. Settings]);
        var server = Moco.Start(_folder, "watch", "run", "--port", "0");
        var address = WatchCommandTests.Address(server);
        await using var chromium = await Chromium.OpenAsync(address);
        var page = chromium.Page;
        Assert.Equal("stopped", await page.Locator("#state").TextContentAsync());
        Assert.Equal("1 2", await LossesAsync(page));
        await page.EvaluateAsync("() => { window.sameDocument = true; }");

        // The run goes on to its end, and then the server.
        using (var training = Moco.Start(_folder, "pretrain", "--resume", "--run", "run"))
        {
            await page.WaitForFunctionAsync(
                "() => document.getElementById('status').dataset.state === 'finished'");
            await training.WaitForExitAsync();
        }

        await page.WaitForFunctionAsync(
            "() => window.reportData.charts[0].curves[0].steps.length === 10");
        Assert.Equal("1 2 3 4 5 6 7 8 9 10", await LossesAsync(page));
        Assert.Contains("All 10 steps are done, kNN ", await page.Locator("#status-text").TextContentAsync());
        await page.WaitForFunctionAsync("""
            () => document.querySelector('#part-verdict .verdict').textContent.includes('raw pixels')
            """);
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#curves .subplot').length === 5");
        Assert.Equal([], chromium.Faults);
        Moco.Signal(server, "INT");
        await server.WaitForExitAsync();
        server.Dispose();

        await page.Locator("#connection").WaitForAsync(); // the page says that the server does not answer
        var port = new Uri(address).Port;
        File.AppendAllText(
            Path.Combine(_folder, "run", "metrics.jsonl"), "{\"step\":11,\"epoch\":3,\"loss\":1.5}\n{\"step\":12,");
        server = Moco.Start(_folder, "watch", "run", "--port", $"{port}");
        WatchCommandTests.Address(server);

        await page.WaitForFunctionAsync(
            "() => window.reportData.charts[0].curves[0].steps.length === 11");
        Assert.Equal("1 2 3 4 5 6 7 8 9 10 11", await LossesAsync(page));
        await page.Locator("#connection").WaitForAsync(new() { State = WaitForSelectorState.Hidden });
        Assert.True(await page.EvaluateAsync<bool>("() => window.sameDocument === true")); // without a reload
        Assert.All(chromium.Faults, fault => Assert.Contains("net::ERR_", fault));
        Assert.All(
            chromium.Requests.Where(request => !request.StartsWith("data:")),
            request => Assert.StartsWith(address, request));
        server.Kill();
        await server.WaitForExitAsync();
        server.Dispose();
    }

    [Fact]
    public async Task WithImages_ThePageShowsNeighborsAndMap_AndOffersThoseOfALaterCheckpoint()
    {
        Train([
            "pretrain", "patterns", "--steps", "5", "--run", "run", "--set", .. Settings, "checkpoints.everyEpochs=1",
        ]);
        using var server = Moco.Start(_folder, "watch", "run", "--port", "0", "--images", "20");
        await using var chromium = await Chromium.OpenAsync(WatchCommandTests.Address(server));
        var page = chromium.Page;
        var newer = page.Locator("#newer-images");
        await page.WaitForFunctionAsync("""
            () => !document.getElementById('newer-images').hidden || document.getElementById('map') !== null
            """);
        if (await newer.IsVisibleAsync()) // the page was opened before they were ready
        {
            await newer.Locator("a").ClickAsync();
        }

        await page.WaitForFunctionAsync(
            "() => (document.getElementById('map-stage-title')?.textContent ?? '') !== ''");
        Assert.Equal("step 5", await page.Locator("#map-stage-title").TextContentAsync());
        Assert.Equal(20, await page.EvaluateAsync<int>("() => window.reportData.map.names.length"));
        Assert.Equal(8, await page.Locator("#neighbors .row").CountAsync());
        Assert.True(await newer.IsHiddenAsync());

        Train(["pretrain", "--resume", "--run", "run"]);

        await newer.WaitForAsync();
        Assert.Matches(@"^Newer images: .*step 10\)?\.\s+Show them$", await newer.InnerTextAsync());
        Assert.Equal("step 5", await page.Locator("#map-stage-title").TextContentAsync()); // not lost
        await newer.Locator("a").ClickAsync();
        await page.WaitForFunctionAsync(
            "() => document.getElementById('map-stage-title')?.textContent.includes('step 10')");
        Assert.Equal([], chromium.Faults);
        Moco.Signal(server, "INT");
        await server.WaitForExitAsync();
        Assert.Equal(0, server.ExitCode);
    }

    private void Train(string[] arguments)
    {
        var (code, _, error) = Moco.Run(_folder, arguments);
        Assert.True(code == 0, error);
    }

    // The steps of the loss that the chart shows.
    private static async Task<string> LossesAsync(IPage page)
    {
        await page.WaitForTimeoutAsync(500); // drawn a moment after they came
        return await page.EvaluateAsync<string>(
            "() => [...document.getElementById('curves').data.find(curve => curve.name === 'loss').x].join(' ')");
    }
}
