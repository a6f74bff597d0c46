using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Scalars for TensorBoard. What a full disk refuses is left out: the same numbers are in metrics.jsonl.</summary>
/// <param name="folder">Where the event files go.</param>
internal sealed class BoardLog(string folder)
{
    private SummaryWriter? _writer;

    public void Scalar(string tag, double value, long step) => Try(writer => writer.add_scalar(tag, (float)value, (int)step));

    public void Text(string tag, string text) => Try(writer => writer.add_text(tag, text, 0));

    private void Try(Action<SummaryWriter> write)
    {
        try
        {
            write(_writer ??= utils.tensorboard.SummaryWriter(folder));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _writer = null; // its file may end in half a record, behind which nothing is read: the next try begins another
        }
    }
}
