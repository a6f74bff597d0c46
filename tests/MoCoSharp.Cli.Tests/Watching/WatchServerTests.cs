using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>What the server answers, and what it refuses.</summary>
public sealed class WatchServerTests : IDisposable
{
    private const string Secret = "the content of another file";

    private readonly WatchedRun _watched = new("<script>alert(1)<");

    public void Dispose() => _watched.Dispose();

    [Fact]
    public async Task ThePage_RunsItsOwnScriptsOnly()
    {
        var server = _watched.Serve();
        using var answer = await _watched.Client.GetAsync(server.Address);
        var page = await answer.Content.ReadAsStringAsync();

        Assert.StartsWith("http://127.0.0.1:", server.Address);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'; img-src data:;", policy);
        Assert.Contains("connect-src 'self'; script-src 'sha256-", policy);
        Assert.DoesNotContain("script-src 'unsafe-inline'", policy);
        var scripts = page.Split("<script>")[1..].Select(rest => rest.Split("</script>")[0]).ToList();
        Assert.Equal(4, scripts.Count);
        Assert.All(scripts, script => Assert.Contains(
            Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(script))), policy));
        Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.DoesNotContain("<script>alert", page);
        Assert.Contains("Report of &lt;script&gt;alert(1)&lt;", page);
    }

    [Theory]
    [InlineData("127.0.0.1:PORT", 200)]
    [InlineData("localhost:PORT", 200)]
    [InlineData("[::1]:PORT", 200)]
    [InlineData("127.0.0.1", 421)]
    [InlineData("127.0.0.1:1", 421)]
    [InlineData("attacker.example", 421)] // a name that its owner points to 127.0.0.1
    [InlineData("attacker.example:PORT", 421)]
    [InlineData("localhost.attacker.example:PORT", 421)]
    [InlineData("127.0.0.1.attacker.example:PORT", 421)]
    [InlineData("0.0.0.0:PORT", 421)]
    public async Task AHostOfAnotherName_IsRefused(string host, int status)
    {
        var port = new Uri(_watched.Serve().Address).Port;

        foreach (var path in new[] { "/", "/events" })
        {
            var (line, _) = await AskAsync(port, "HEAD", path, host.Replace("PORT", $"{port}"));
            Assert.StartsWith($"HTTP/1.1 {status} ", line);
        }
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    public async Task AMethodThatMayWrite_IsRefused(string method)
    {
        var port = new Uri(_watched.Serve().Address).Port;

        foreach (var path in new[] { "/", "/events" })
        {
            var (line, _) = await AskAsync(port, method, path, $"127.0.0.1:{port}");
            Assert.StartsWith("HTTP/1.1 405 ", line);
        }
    }

    [Theory]
    [InlineData("/config.json")]
    [InlineData("/metrics.jsonl")]
    [InlineData("/views.png")]
    [InlineData("/outside")]
    [InlineData("/../outside")]
    [InlineData("/events/../../outside")]
    [InlineData("/..%2foutside")]
    [InlineData("/%2e%2e/outside")]
    [InlineData("/..%5coutside")]
    [InlineData("/..%252foutside")]
    [InlineData("/%00")]
    [InlineData("/views.png%00.html")]
    [InlineData("//etc/passwd")]
    [InlineData("/%2fetc%2fpasswd")]
    [InlineData("/C:%5cWindows%5cwin.ini")]
    [InlineData("/link")]
    [InlineData("/%3Cscript%3E")]
    [InlineData("/%F0%9F%98%80%0d%0aX: y")]
    public async Task NoFile_IsReadByAName(string path)
    {
        File.WriteAllText(_watched.Outside, Secret);
        File.CreateSymbolicLink(Path.Combine(_watched.Run.Path, "link"), _watched.Outside);
        var port = new Uri(_watched.Serve().Address).Port;

        var (line, rest) = await AskAsync(port, "GET", path, $"127.0.0.1:{port}");

        Assert.True(line.StartsWith("HTTP/1.1 404 ") || line.StartsWith("HTTP/1.1 400 "), line);
        Assert.DoesNotContain(Secret, rest);
        Assert.DoesNotContain("root:", rest);
    }

    [Fact]
    public async Task AnImageOfTheRun_ThatIsALink_IsNotShown()
    {
        using var image = new Patterns(1, 40, seed: 1).Read(0).Image;
        File.WriteAllBytes(_watched.Outside, ImageEncoder.Png(image));
        File.CreateSymbolicLink(_watched.Run.ViewsPath, _watched.Outside);
        var server = _watched.Serve();

        var page = await _watched.Client.GetStringAsync(server.Address);
        Assert.Contains("Sample views: views.png of the run is a link", page);
        Assert.DoesNotContain("data:image/png", page);

        File.Delete(_watched.Run.ViewsPath);
        File.Copy(_watched.Outside, _watched.Run.ViewsPath);
        await using var events = await _watched.OpenAsync(_watched.Serve(), null);
        Assert.Contains("data:image/png", await PartAsync(events, "views"));
    }

    [Theory]
    [InlineData("cross-site", 403)]
    [InlineData("same-site", 403)] // another port of this machine
    [InlineData("same-origin", 200)]
    [InlineData("none", 200)]
    public async Task OtherPages_GetNoEvents(string site, int status)
    {
        var port = new Uri(_watched.Serve().Address).Port;

        var (line, _) = await AskAsync(port, "HEAD", "/events", $"127.0.0.1:{port}", $"Sec-Fetch-Site: {site}\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", line);
    }

    [Fact]
    public async Task TooManyPages_AreRefused_UntilOneIsClosed()
    {
        var server = _watched.Serve();
        List<EventStream> pages = [];
        for (var i = 0; i < 16; i++)
        {
            pages.Add(await _watched.OpenAsync(server, null));
        }

        using (var refused = await _watched.Client.GetAsync(
            server.Address + "events", HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal("16 pages are open. Close one of them.\n", await refused.Content.ReadAsStringAsync());
        }

        await pages[0].DisposeAsync();
        HttpStatusCode status;
        do
        {
            await Task.Delay(50);
            using var answer = await _watched.Client.GetAsync(
                server.Address + "events", HttpCompletionOption.ResponseHeadersRead);
            status = answer.StatusCode;
        }
        while (status != HttpStatusCode.OK);

        foreach (var page in pages)
        {
            await page.DisposeAsync();
        }
    }

    [Fact]
    public void APortInUse_IsAnErrorIfItWasNamed_AndElseAnotherIsTaken()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var error = Assert.Throws<ConfigurationException>(() => _watched.Serve(port));
        Assert.Contains($"Port {port} of 127.0.0.1 cannot be used: ", error.Message);
        Assert.Contains("Name another port, or leave it out: a free one is taken.", error.Message);
        Assert.NotEqual(_watched.Serve(null).Address, _watched.Serve(null).Address);
    }

    private static async Task<string> PartAsync(EventStream events, string name)
    {
        while (true)
        {
            var part = await events.NextAsync("part");
            if ((string)part["name"]! == name)
            {
                return (string)part["markup"]!;
            }
        }
    }

    // Without HttpClient, which would mend the path: the first line of the answer, and the rest.
    private static async Task<(string Line, string Others)> AskAsync(
        int port, string method, string path, string host, string headers = "")
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"));
        using var reader = new StreamReader(stream);
        return (await reader.ReadLineAsync() ?? "", await reader.ReadToEndAsync());
    }
}
