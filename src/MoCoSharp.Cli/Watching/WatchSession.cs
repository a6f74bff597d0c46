using MoCoSharp.Cli.Reports;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Watching;

/// <summary>How a user wants to watch a run.</summary>
/// <param name="Port">The port; null takes a free one.</param>
/// <param name="Opens">Whether to open the browser.</param>
/// <param name="Images">The images of neighbors, map and clusters; null shows none.</param>
internal sealed record WatchRequest(int? Port, bool Opens, ReportImages? Images = null);

/// <summary>A run that is watched until this is disposed.</summary>
internal sealed class WatchSession : IDisposable
{
    private readonly LiveRun _live;
    private readonly WatchServer _server;
    private readonly LiveImages? _images;

    private WatchSession(LiveRun live, WatchServer server, LiveImages? images) =>
        (_live, _server, _images) = (live, server, images);

    /// <summary>Starts a server, and prints its address.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="request">Port and browser.</param>
    /// <param name="totalSteps">Steps of the whole run, if this process trains; else null.</param>
    /// <exception cref="ConfigurationException">The port cannot be used.</exception>
    public static WatchSession Start(RunFolder run, WatchRequest request, long? totalSteps = null)
    {
        var images = request.Images is null ? null : new LiveImages(run, request.Images);
        var live = new LiveRun(run, totalSteps, images);
        WatchServer server;
        try
        {
            server = WatchServer.Start(live, request.Port);
        }
        catch (ConfigurationException)
        {
            images?.Dispose();
            throw;
        }

        Console.WriteLine($"watch {run.Path} at {server.Address}");
        if (request.Opens)
        {
            // A browser may take seconds to start.
            _ = Task.Run(() => Browser.Open(server.Address));
        }

        return new WatchSession(live, server, images);
    }

    /// <summary>Tells open pages how the run has ended, and ends the server.</summary>
    public void Dispose()
    {
        _live.EndTraining();
        _server.Dispose();
        _images?.Dispose();
    }
}
