using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Watching;

/// <summary>Serves the page of a run and its events, to this machine alone.</summary>
/// <remarks>The page holds its images, so the server reads no file by a name from a request.</remarks>
internal sealed class WatchServer : IDisposable
{
    private const int MostPages = 16; // open pages
    private const int MostConnections = 64;
    private const int MostHeaderBytes = 16 << 10;
    private static readonly int[] UsualPorts = [.. Enumerable.Range(6100, 10), 0];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2); // for clients, at the end
    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    private readonly LiveRun _live;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _pages = new(MostPages);

    private WatchServer(LiveRun live, int port)
    {
        _live = live;
        // Empty: no settings from the environment or from files of the current folder.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
            options.AddServerHeader = false;
            options.Limits.MaxConcurrentConnections = MostConnections;
            options.Limits.MaxRequestBodySize = 0;
            options.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = Patience);
        _app = builder.Build();
        _app.Use(RequestGuard.Invoke);
        _app.MapMethods("/", Reading, Page);
        _app.MapMethods("/events", Reading, Events);
    }

    /// <summary>The address of the page.</summary>
    public string Address => _app.Urls.First() + "/";

    /// <summary>Starts to serve a run.</summary>
    /// <param name="live">The run.</param>
    /// <param name="port">0 is any free port; null takes 6100, or a free one after it.</param>
    /// <exception cref="ConfigurationException">The port cannot be used.</exception>
    public static WatchServer Start(LiveRun live, int? port)
    {
        foreach (var candidate in port is { } given ? [given] : UsualPorts)
        {
            var server = new WatchServer(live, candidate);
            try
            {
                server._app.Start();
                return server;
            }
            catch (Exception error) when (error is IOException or SocketException)
            {
                server.Dispose();
                if (port is not null)
                {
                    throw new ConfigurationException([
                        $"Port {port} of 127.0.0.1 cannot be used: {error.Message} Name another port, or leave it " +
                        "out: a free one is taken.",
                    ]);
                }
            }
        }

        throw new ConfigurationException(["No port of 127.0.0.1 is free."]);
    }

    /// <summary>Sends what is new to open pages, and ends. Takes two seconds at most.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        _app.StopAsync().GetAwaiter().GetResult();
        ((IDisposable)_app).Dispose();
    }

    private async Task Page(HttpContext context)
    {
        LiveView view;
        try
        {
            view = _live.Look();
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            await RequestGuard.Refuse(context, HttpStatusCode.ServiceUnavailable, error.Message);
            return;
        }

        var page = RunReportPage.Build(view.Report);
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = page.Policy + RequestGuard.NoFrames;
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await context.Response.WriteAsync(page.ToString(), context.RequestAborted);
        }
    }

    private async Task Events(HttpContext context)
    {
        if (HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentType = "text/event-stream";
            return;
        }

        if (!_pages.Wait(0))
        {
            await RequestGuard.Refuse(
                context, HttpStatusCode.ServiceUnavailable, $"{MostPages} pages are open. Close one of them.");
            return;
        }

        try
        {
            var cursor = (string?)context.Request.Headers["Last-Event-ID"] ?? context.Request.Query["after"];
            var events = new RunEvents(_live).Read(cursor, _ending.Token, context.RequestAborted);
            await TypedResults.ServerSentEvents(events).ExecuteAsync(context);
        }
        catch (OperationCanceledException)
        {
            // The page was closed.
        }
        finally
        {
            _pages.Release();
        }
    }

    // The program handles signals itself.
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
