namespace MoCoSharp.Runs;

/// <summary>
/// Scalars, texts and pictures for TensorBoard. What a full disk refuses is left out: the same numbers are in
/// metrics.jsonl.
/// </summary>
/// <param name="folder">Where the event files go.</param>
/// <param name="time">For the time of each record.</param>
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
            // Nothing is buffered that could be lost.
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
            Dispose(); // its file may end in half a record, behind which nothing is read: the next try begins another
        }
    }
}
