using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>
/// metrics.jsonl: one JSON object per line, each with its step. If the disk is full, lines wait in memory and are
/// written later.
/// </summary>
internal sealed class MetricsLog : IDisposable
{
    private readonly string _path;
    private readonly Queue<byte[]> _waiting = [];
    // Null after a fault, until the next try. A file that a server has dropped must be opened again.
    private FileStream? _stream;

    /// <summary>
    /// Continues a log. Removes lines of later steps than the resumed one, because those steps are repeated.
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
            if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes)) // rewrite only if needed: the disk may be full
            {
                AtomicFile.Write(path, stream => stream.Write(bytes));
            }
        }

        _stream = Open();
    }

    /// <summary>Why the last line is not in the file yet; null if it is.</summary>
    public string? Fault { get; private set; }

    /// <summary>Reads the whole lines of a log. Skips a line that a crash cut short.</summary>
    public static IEnumerable<JsonObject> Read(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            if (Parse(line) is { } parsed)
            {
                yield return parsed;
            }
        }
    }

    /// <summary>Parses a line; null if it is incomplete or has no step.</summary>
    public static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) is JsonObject parsed
                && parsed["step"] is JsonValue value && value.TryGetValue<long>(out _)
                ? parsed
                : null;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            // The line at the end is incomplete: it is written again after a resume. Or a line has a key twice.
            return null;
        }
    }

    /// <summary>Adds a line.</summary>
    public void Write(JsonObject line)
    {
        ArgumentNullException.ThrowIfNull(line);
        _waiting.Enqueue(Encoding.UTF8.GetBytes(line.ToJsonString() + "\n"));
        WriteWaiting();
    }

    /// <summary>Writes pending lines to disk, as far as possible. Thread-safe.</summary>
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
            // A log fault must not prevent a save. Write reports the fault.
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
