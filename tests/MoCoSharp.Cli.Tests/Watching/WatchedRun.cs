using MoCoSharp.Cli.Watching;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>A run folder with metrics, and servers that watch it.</summary>
internal sealed class WatchedRun : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly List<WatchServer> _servers = [];

    public WatchedRun(string name = "run")
    {
        Run = RunFolder.Create(Path.Combine(_folder, name), RunConfig.Load("patterns"));
        Append(1);
    }

    public RunFolder Run { get; }

    public string Outside => Path.Combine(_folder, "outside");

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>Adds a line of a training.</summary>
    public void Append(long step) => File.AppendAllText(
        Run.MetricsPath, $"{{\"step\":{step},\"epoch\":1,\"loss\":{5 - (0.01 * step)},\"imagesPerSecond\":100}}\n");

    public WatchServer Serve(int? port = 0)
    {
        var server = WatchServer.Start(new LiveRun(Run), port);
        _servers.Add(server);
        return server;
    }

    /// <summary>The events of an open page.</summary>
    public async Task<EventStream> OpenAsync(WatchServer server, string? cursor, string? lastEvent = null) =>
        await EventStream.OpenAsync(Client, server.Address, cursor, lastEvent);

    public void Dispose()
    {
        _servers.ForEach(server => server.Dispose());
        Client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
