using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>
/// metrics.jsonl: one JSON object a line, each with its step. A line that a full disk refuses waits in memory, and is
/// not lost.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly string _path;
    private readonly Queue<byte[]> _waiting = [];
    // null after a fault, until the next try: what a server forgot stays forgotten for an open file
    private FileStream? _stream;

    /// <summary>
    /// Goes on with a log; lines of later steps than the resumed one belong to steps that will be done again, and go.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Steps done.</param>
    public MetricsLog(string path, long step)
    {
        _path = path;
        if (File.Exists(path))
        {
            var kept = string.Concat(
                Read(path)
                    .Where(line => line["step"]!.GetValue<long>() <= step)
                    .Select(line => line.ToJsonString() + "\n"));
            var bytes = Encoding.UTF8.GetBytes(kept);
            if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) // a full disk takes no second copy
            {
                AtomicFile.Write(path, stream => stream.Write(bytes));
            }
        }

        _stream = Open();
    }

    /// <summary>Why the last line is not in the file yet; null where it is.</summary>
    public string? Fault { get; private set; }

    /// <summary>The lines of a log that are whole; a line cut short by a crash is passed over.</summary>
    public static IEnumerable<JsonObject> Read(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            JsonObject? parsed = null;
            try
            {
                parsed = JsonNode.Parse(line) as JsonObject;
            }
            catch (JsonException)
            {
                // The torn end of a log: whatever it would have said is said again after the resume.
            }

            if (parsed?["step"] is JsonValue value && value.TryGetValue<long>(out _))
            {
                yield return parsed;
            }
        }
    }

    /// <summary>Adds a line.</summary>
    public void Write(JsonObject line)
    {
        ArgumentNullException.ThrowIfNull(line);
        _waiting.Enqueue(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        WriteWaiting();
    }

    /// <summary>Brings what is written to the disk, as far as it takes it. Any thread.</summary>
    public void Flush()
    {
        try
        {
            if (Volatile.Read(ref _stream)?.SafeFileHandle is { } handle)
            {
                RandomAccess.FlushToDisk(handle);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // A log must not keep a state from being saved; what cannot be written is told where it is written.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        WriteWaiting();
        Close();
    }

    private FileStream Open() => new(_path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);

    private void WriteWaiting()
    {
        while (_waiting.TryPeek(out var line))
        {
            var whole = -1L;
            try
            {
                _stream ??= Open();
                whole = _stream.Length;
                _stream.Write(line);
                _waiting.Dequeue();
                Fault = null;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Fault = error.Message;
                CutTo(whole); // no half line
                Close();
                return;
            }
        }
    }

    private void CutTo(long length)
    {
        try
        {
            if (length >= 0)
            {
                _stream?.SetLength(length);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Readers pass over a line that is none.
        }
    }

    private void Close()
    {
        try
        {
            _stream?.Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Nothing is buffered that could be lost.
        }

        _stream = null;
    }
}
