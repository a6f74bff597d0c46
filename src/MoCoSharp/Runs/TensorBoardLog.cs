namespace MoCoSharp.Runs;

/// <summary>
/// Writes scalars, texts and images for TensorBoard. Skips records if the disk is full: the same numbers are in
/// metrics.jsonl.
/// </summary>
/// <param name="folder">The folder of the event files.</param>
/// <param name="time">The clock for the records.</param>
internal sealed class TensorBoardLog(string folder, TimeProvider time) : IDisposable
{
    private EventFile? _file;

    public void Scalar(string tag, double value, long step) => Try(file => file.Scalar(tag, (float)value, step));

    public void Text(string tag, string text) => Try(file => file.Text(tag, text, 0));

    public void Image(string tag, byte[] png, int width, int height) =>
        Try(file => file.Image(tag, png, width, height, 0));

    public void Dispose()
    {
        try
        {
            _file?.Dispose();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No buffered data can be lost.
        }

        _file = null;
    }

    private void Try(Action<EventFile> write)
    {
        try
        {
            write(_file ??= new EventFile(folder, time));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Dispose(); // readers stop at a half-written record, so the next try starts a new file
        }
    }
}
