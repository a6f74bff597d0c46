using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using MoCoSharp.Data;

namespace MoCoSharp.Runs;

/// <summary>Another process is training in the run folder; the message names it.</summary>
internal sealed class RunLockedException(string message) : IOException(message);

/// <summary>
/// The lock of a run folder: the open file `lock`, with the owner's process id, host and a heartbeat.
/// </summary>
/// <remarks>
/// The operating system releases the lock of a dead process. Some file systems have no locks, or separate locks for
/// each host; there the content of the file decides. A dead process of this host is recognized by its id and start
/// time, a dead owner on another host by a heartbeat that no longer changes.
/// </remarks>
internal sealed partial class RunLock : IDisposable
{
    private readonly FileStream _file;
    private readonly Timer _beats;
    private readonly Lock _gate = new();
    private readonly Owner _owner = Owner.This();
    private long _beat;

    private RunLock(FileStream file, TimeSpan beatEvery)
    {
        _file = file;
        Beat();
        _beats = new Timer(_ => Beat(), null, beatEvery, beatEvery);
    }

    /// <summary>The interval of the heartbeat.</summary>
    internal static TimeSpan BeatEvery { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Takes the lock.</summary>
    /// <param name="folder">The run folder; it exists.</param>
    /// <param name="notice">Receives a notice of a stale lock that is taken over, and of a wait.</param>
    /// <param name="patience">How long an owner on another host may miss its heartbeat; null is 45 seconds.</param>
    /// <exception cref="RunLockedException">Another process holds it.</exception>
    public static RunLock Take(string folder, Action<string> notice, TimeSpan? patience = null)
    {
        var path = Path.Combine(folder, "lock");
        var file = Open(path, folder);
        try
        {
            if (Owner.Read(file) is { } other)
            {
                if (other.IsHere)
                {
                    if (other.IsAlive)
                    {
                        throw Refusal(folder, other);
                    }
                }
                else
                {
                    WaitForSilence(file, folder, other, notice, patience ?? TimeSpan.FromSeconds(45));
                }

                notice(
                    $"{folder}: process {other.Process} on {other.Host} has ended and left its lock; the lock is " +
                    "taken over.");
            }

            return new RunLock(file, BeatEvery);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Describes the process that is training in a folder; null if there is none. An owner on another host may be dead.
    /// </summary>
    public static string? Holder(string folder)
    {
        var path = Path.Combine(folder, "lock");
        return File.Exists(path) && Peek(path) is { } owner && (!owner.IsHere || owner.IsAlive)
            ? owner.ToString()
            : null;
    }

    /// <summary>
    /// Releases the lock. The empty file stays: after a deletion, two processes could lock the old and the new file.
    /// </summary>
    public void Dispose()
    {
        _beats.Dispose();
        lock (_gate)
        {
            try
            {
                _file.SetLength(0);
            }
            catch (IOException)
            {
                // The disk is full or gone. Closing the handle releases the lock.
            }

            _file.Dispose();
        }
    }

    // On Windows, any sharing mode is a lock, and Read lets others read the owner's name. On Unix, only None is a lock.
    private static FileShare Sharing => OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None;

    private static FileStream Open(string path, string folder)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, Sharing, bufferSize: 0);
        }
        catch (IOException error)
            when (error is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException)
                && Peek(path) is { } owner)
        {
            throw Refusal(folder, owner);
        }
    }

    private static RunLockedException Refusal(string folder, Owner owner) => new(
        $"{folder}: {owner} is training there, and a run allows one process at a time. Wait for it, stop it " +
        (OperatingSystem.IsWindows() ? "(Ctrl-C in its window" : $"(kill -TERM {owner.Process}") +
        " saves first), or name another folder with --run.");

    // Does not compare clocks of different hosts, but watches whether the heartbeat changes.
    private static void WaitForSilence(
        FileStream file, string folder, Owner other, Action<string> notice, TimeSpan patience)
    {
        notice($"{folder}: locked by {other}, another host; waiting {patience.TotalSeconds:F0} s for a sign of life.");
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < patience)
        {
            Thread.Sleep(TimeSpan.FromMilliseconds(Math.Min(500, patience.TotalMilliseconds / 5)));
            if (Owner.Read(file) is { } again && again != other)
            {
                throw Refusal(folder, again);
            }
        }
    }

    private void Beat()
    {
        lock (_gate)
        {
            try
            {
                if (_file.CanWrite)
                {
                    var text = Encoding.UTF8.GetBytes((_owner with { Beat = _beat++ }).ToJson());
                    _file.Position = 0;
                    _file.Write(text);
                    _file.SetLength(text.Length);
                }
            }
            catch (IOException)
            {
                // The disk is full. The next heartbeat may succeed, and on this host the lock itself still holds.
            }
        }
    }

    private static Owner? Peek(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            using var shared = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return Owner.Read(shared);
        }

        // File.Open would request another lock.
        using var handle = OpenUnlocked(path, 0); // O_RDONLY
        if (handle.IsInvalid)
        {
            return null;
        }

        using var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        return Owner.Read(file);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenUnlocked(string path, int flags);

    // Identifies a process. The start time distinguishes it from a later process with the same id, also after a reboot.
    private sealed record Owner(int Process, string Host, string Started, long Beat)
    {
        public static Owner This() =>
            new(Environment.ProcessId, Environment.MachineName, StartOf(Environment.ProcessId), 0);

        public bool IsHere => Host == Environment.MachineName;

        public bool IsAlive =>
            IsHere && StartOf(Process) == Started && Started.Length > 0 && Process != Environment.ProcessId;

        public static Owner? Read(FileStream file)
        {
            file.Position = 0;
            using var reader = new StreamReader(
                file, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 512, leaveOpen: true);
            try
            {
                return JsonNode.Parse(reader.ReadToEnd()) is JsonObject json
                    ? new(
                        (int)json.Required("process"), (string)json.Required("host")!,
                        (string)json.Required("started")!, (long)json.Required("beat"))
                    : null;
            }
            catch (Exception error)
                when (error is JsonException or InvalidOperationException or FormatException)
            {
                return null; // empty or incomplete: no known owner
            }
        }

        public string ToJson() =>
            new JsonObject
            {
                ["process"] = Process,
                ["host"] = Host,
                ["started"] = Started,
                ["beat"] = Beat,
            }.ToJsonString();

        public override string ToString() => $"process {Process} on {Host}";

        // The start time in clock ticks since boot, and the id of the boot; on other systems, the wall-clock time.
        private static string StartOf(int process)
        {
            try
            {
                if (OperatingSystem.IsLinux())
                {
                    var stat = File.ReadAllText($"/proc/{process}/stat");
                    var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // from field 3, the state
                    if (fields[0] is "Z" or "X")
                    {
                        return ""; // killed, and only waiting for its parent to collect it
                    }

                    return $"{fields[19]} of boot {File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim()}";
                }

                using var found = System.Diagnostics.Process.GetProcessById(process);
                return found.StartTime.ToUniversalTime().ToString("O");
            }
            catch (Exception error) when (
                error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException
                    or System.ComponentModel.Win32Exception or IndexOutOfRangeException)
            {
                return "";
            }
        }
    }
}
