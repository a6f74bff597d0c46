using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Nodes;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Watching;

/// <summary>
/// Reads the lines that a training appends to metrics.jsonl. A cursor says how far it has read, also to another
/// process.
/// </summary>
/// <remarks>
/// A resumed run removes the lines of steps that it repeats. The last line that was read tells whether the file still
/// begins with what was read.
/// </remarks>
/// <param name="path">The file; it need not exist yet.</param>
internal sealed class MetricsTail(string path)
{
    private const int MostBytes = 1 << 20; // read at once

    private long _end; // of the last line that was read, in bytes
    private int _length; // of this line, with its line break
    private ulong _hash; // of this line

    /// <summary>How far the file has been read.</summary>
    public string Cursor => Invariant($"{_end}.{_length}.{_hash:x}");

    /// <summary>Continues after a cursor.</summary>
    /// <param name="cursor">From outside, so it may be anything.</param>
    /// <returns>Whether the cursor fits the file. If not, reading starts from the beginning.</returns>
    public bool TrySeek(string? cursor)
    {
        Restart();
        var parts = (cursor ?? "").Split('.');
        if (parts.Length != 3
            || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || !ulong.TryParse(parts[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var hash)
            || length > MostBytes || length > end)
        {
            return false;
        }

        (_end, _length, _hash) = (end, length, hash);
        using var file = Open();
        if (!Follows(file))
        {
            Restart();
            return false;
        }

        return true;
    }

    /// <summary>Continues after all whole lines, without parsing them.</summary>
    public void SeekEnd()
    {
        Restart();
        using var file = Open();
        while (file is not null && Read(file) is { Length: > 0 } lines)
        {
            Pass(lines);
        }
    }

    /// <summary>Reads the next whole lines, at most a megabyte. A line that a crash cut short is not read.</summary>
    /// <param name="lines">The lines; empty if there are no new ones.</param>
    /// <returns>
    /// False if the file no longer begins with what was read. The next call starts from the beginning.
    /// </returns>
    public bool TryRead(out IReadOnlyList<JsonObject> lines)
    {
        lines = [];
        using var file = Open();
        if (!Follows(file))
        {
            Restart();
            return false;
        }

        if (file is not null && Read(file) is { Length: > 0 } bytes)
        {
            Pass(bytes);
            lines =
            [
                .. Encoding.UTF8.GetString(bytes).Split('\n').Select(RunFolder.ParseMetrics).OfType<JsonObject>(),
            ];
        }

        return true;
    }

    private void Restart() => (_end, _length, _hash) = (0, 0, 0);

    // Null if there is no file.
    private FileStream? Open()
    {
        try
        {
            return new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // Whether the last line that was read is still in its place.
    private bool Follows(FileStream? file)
    {
        if (_end == 0)
        {
            return _length == 0;
        }

        if (file is null || file.Length < _end)
        {
            return false;
        }

        var line = new byte[_length];
        file.Position = _end - _length;
        return file.ReadAtLeast(line, _length, throwOnEndOfStream: false) == _length
            && line is [.., (byte)'\n'] && XxHash64.HashToUInt64(line) == _hash;
    }

    // The whole lines after those that were read.
    private byte[] Read(FileStream file)
    {
        var bytes = new byte[Math.Clamp(file.Length - _end, 0, MostBytes)];
        file.Position = _end;
        var count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..(bytes.AsSpan(0, count).LastIndexOf((byte)'\n') + 1)];
    }

    private void Pass(byte[] lines)
    {
        var last = lines.AsSpan(lines.AsSpan()[..^1].LastIndexOf((byte)'\n') + 1);
        (_end, _length, _hash) = (_end + lines.Length, last.Length, XxHash64.HashToUInt64(last));
    }
}
