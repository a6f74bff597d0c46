using Microsoft.Playwright;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>A page in Chromium; where there is none, a test is skipped, and fails in CI.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    // The longest wait for a page, on a busy machine.
    private const float Patience = 240_000; // milliseconds

    private static readonly string? Program = new[] { "/usr/bin/chromium", "/usr/bin/google-chrome" }
        .FirstOrDefault(File.Exists);

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Chromium(IPlaywright playwright, IBrowser browser, IPage page)
    {
        _playwright = playwright;
        _browser = browser;
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                Faults.Add(message.Text);
            }
        };
        page.PageError += (_, error) => Faults.Add(error);
        page.Request += (_, request) => Requests.Add(request.Url);
    }

    /// <summary>The page.</summary>
    public IPage Page { get; }

    /// <summary>The errors and warnings of the console.</summary>
    public List<string> Faults { get; } = [];

    /// <summary>The addresses of all requests.</summary>
    public List<string> Requests { get; } = [];

    public static async Task<Chromium> OpenAsync(string file, string ready = "html[data-ready=true]")
    {
        if (Program is null)
        {
            const string reason = "There is no Chromium: apt-get install chromium";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }

        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Program,
            Args = ["--no-sandbox"], // containers run as root
            Timeout = Patience,
        });
        var page = await browser.NewPageAsync(new() { ViewportSize = new() { Width = 1280, Height = 900 } });
        page.SetDefaultTimeout(Patience);
        var chromium = new Chromium(playwright, browser, page);
        await page.GotoAsync(new Uri(file).AbsoluteUri);
        await page.WaitForSelectorAsync(ready, new() { State = WaitForSelectorState.Attached });
        return chromium;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
