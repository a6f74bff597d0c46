using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoCoSharp.Training;

/// <summary>metrics.jsonl: one JSON object a line, each with its step.</summary>
public sealed class MetricsLog : IDisposable
{
    private readonly StreamWriter _writer;

    /// <summary>Goes on with a log; lines of later steps than the resumed one belong to steps that will be done again, and go.</summary>
    /// <param name="path">The file.</param>
    /// <param name="step">Steps done.</param>
    public MetricsLog(string path, long step)
    {
        if (File.Exists(path))
        {
            var kept = Read(path).Where(line => line["step"]!.GetValue<long>() <= step).Select(line => line.ToJsonString()).ToList();
            File.WriteAllLines(path, kept);
        }

        _writer = new StreamWriter(path, append: true, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };
    }

    /// <summary>The lines of a log that are whole; a line cut short by a crash is passed over.</summary>
    public static IEnumerable<JsonObject> Read(string path)
    {
        foreach (var line in File.ReadLines(path))
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
        _writer.WriteLine(line.ToJsonString());
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
