using System.Text;

namespace MoCoSharp.Cli.Progress;

/// <summary>Writes to standard output or standard error. A failed write is reported once and does not throw.</summary>
/// <param name="stream">The stream.</param>
/// <param name="descriptor">1 or 2, to find the file's name for messages.</param>
/// <param name="lost">Receives a message on the first failure.</param>
/// <param name="before">Called before each text, to erase a status line.</param>
internal sealed class SteadyWriter(Stream stream, int descriptor, Action<string> lost, Action before) : TextWriter
{
    /// <summary>Whether something could not be written.</summary>
    public bool HasFailed { get; private set; }

    public override Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(buffer.ToString());

    public override void Write(string? value)
    {
        before();
        WriteRaw(value ?? "");
    }

    public override void WriteLine() => Write(NewLine);

    public override void WriteLine(string? value) => Write(value + NewLine);

    /// <summary>Writes without erasing the status line.</summary>
    public void WriteRaw(string text)
    {
        try
        {
            stream.Write(Encoding.GetBytes(text));
            stream.Flush();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            var isFirst = !HasFailed;
            HasFailed = true;
            if (isFirst)
            {
                lost($"{Name()} cannot be written: {error.Message.TrimEnd('.')}. The program continues without it.");
            }
        }
    }

    private string Name()
    {
        var unnamed = descriptor == 1 ? "standard output" : "standard error";
        try
        {
            return
                OperatingSystem.IsLinux()
                && File.ResolveLinkTarget($"/proc/self/fd/{descriptor}", returnFinalTarget: false)
                    is { Exists: true } file
                ? $"the log {file.FullName}"
                : unnamed;
        }
        catch (IOException)
        {
            return unnamed;
        }
    }
}
