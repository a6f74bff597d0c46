namespace MoCoSharp.Data.Datasets;

/// <summary>Counts the images of a source while it is listed. Thread-safe.</summary>
/// <param name="listed">Called with the number so far, after every 1,000 images, never twice at once.</param>
internal sealed class ImageCount(Action<int> listed)
{
    private const int Between = 1_000; // images between two calls

    private readonly Lock _gate = new();
    private int _images;

    /// <summary>Counts one image.</summary>
    public void Add()
    {
        lock (_gate)
        {
            _images++;
            if (_images % Between == 0)
            {
                listed(_images);
            }
        }
    }
}
