using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;

namespace MoCoSharp.Cli.Tests.Watching;

/// <summary>The events that a page receives.</summary>
internal sealed class EventStream : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly IAsyncEnumerator<SseItem<string>> _items;

    private EventStream(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _items = SseParser.Create(stream).EnumerateAsync().GetAsyncEnumerator();
    }

    /// <summary>The id of the last event that had one.</summary>
    public string? LastId { get; private set; }

    public static async Task<EventStream> OpenAsync(
        HttpClient client, string address, string? cursor, string? lastEvent = null)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"{address}events?after={Uri.EscapeDataString(cursor ?? "")}");
        if (lastEvent is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEvent);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new EventStream(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>The next event; null at the end.</summary>
    public async Task<(string Name, JsonNode Data)?> NextAsync()
    {
        if (!await _items.MoveNextAsync())
        {
            return null;
        }

        LastId = _items.Current.EventId is { Length: > 0 } id ? id : LastId;
        return (_items.Current.EventType, JsonNode.Parse(_items.Current.Data)!);
    }

    /// <summary>The next event of a name.</summary>
    public async Task<JsonNode> NextAsync(string name)
    {
        while (await NextAsync() is var (found, data))
        {
            if (found == name)
            {
                return data;
            }
        }

        throw new InvalidOperationException($"The server ended without an event {name}.");
    }

    /// <summary>The steps of the loss in an event of charts.</summary>
    public static IEnumerable<long> Steps(JsonNode charts) => charts["charts"]!.AsArray()
        .Where(chart => (string)chart!["title"]! == "Loss")
        .SelectMany(chart => chart!["curves"]![0]!["steps"]!.AsArray().Select(step => (long)step!));

    public async ValueTask DisposeAsync()
    {
        _response.Dispose(); // ends a wait for the next event
        try
        {
            await _items.DisposeAsync();
        }
        catch (Exception error) when (error is IOException or NotSupportedException)
        {
            // The connection was closed.
        }
    }
}
