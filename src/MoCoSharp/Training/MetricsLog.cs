using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Checkpoints;

namespace MoCoSharp.Training;

/// <summary>metrics.jsonl: one JSON object a line, each with its step. A line that a full disk refuses waits in memory, and is not lost.</summary>
public sealed class MetricsLog : IDisposable
{
    private readonly FileStream _stream;
    private readonly Queue<byte[]> _waiting = [];

    /// <summary>Goes on with a log; lines of later steps than the resumed one belong to steps that will be done again, and go.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Steps done.</param>
    public MetricsLog(string path, long step)
    {
        if (File.Exists(path))
        {
            var kept = string.Concat(Read(path).Where(line => line["step"]!.GetValue<long>() <= step).Select(line => line.ToJsonString() + "\n"));
            AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(kept)));
        }

        _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
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

    /// <summary>Brings what is written to the disk. Any thread.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_stream.SafeFileHandle);

    /// <inheritdoc/>
    public void Dispose()
    {
        WriteWaiting();
        _stream.Dispose();
    }

    private void WriteWaiting()
    {
        while (_waiting.TryPeek(out var line))
        {
            var whole = _stream.Length;
            try
            {
                _stream.Write(line);
                _waiting.Dequeue();
                Fault = null;
            }
            catch (IOException error)
            {
                Fault = error.Message;
                _stream.SetLength(whole); // no half line
                return;
            }
        }
    }
}
