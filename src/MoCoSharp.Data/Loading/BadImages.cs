using System.Collections.Concurrent;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Reads images and remembers the bad ones. A broken image is skipped until its file changes; an image that cannot be
/// read now is tried again at each request.
/// </summary>
internal sealed class BadImages
{
    private readonly IImageDataset _data;
    private readonly LoaderOptions _options;
    private readonly Action<BadImage>? _found;
    private readonly ConcurrentDictionary<int, Known> _broken = [];
    private readonly SortedList<int, BadImage> _leftOut = []; // also its own lock
    private readonly IImageFiles? _files;

    /// <summary>A reader without known bad images.</summary>
    /// <param name="data">The images.</param>
    /// <param name="options">What to do with a bad image.</param>
    /// <param name="found">Called once for each bad image, on the thread that found it.</param>
    public BadImages(IImageDataset data, LoaderOptions options, Action<BadImage>? found = null)
    {
        (_data, _options, _found, _files) = (data, options, found, data as IImageFiles);
        Outage = new(data, data.Description, data.Count, TimeSpan.FromSeconds(options.OutageSeconds), options.Notice);
        SecondTries = SecondTries.Of(data, Outage);
    }

    /// <summary>The images that were skipped or are broken, by index.</summary>
    public IReadOnlyCollection<BadImage> All
    {
        get
        {
            lock (_leftOut)
            {
                return [.. _leftOut.Values];
            }
        }
    }

    /// <summary>Handles the time in which no image can be read.</summary>
    public Outage Outage { get; }

    /// <summary>Retries, for passes that read each image only once.</summary>
    public SecondTries SecondTries { get; }

    /// <summary>Reads an image, calls a function with it, and returns its memory to the pool.</summary>
    /// <param name="index">Index in the data set.</param>
    /// <param name="request">How to decode it.</param>
    /// <param name="state">Passed to <paramref name="make"/>, so that no closure is allocated for each image.</param>
    /// <param name="make">The function. It may find that the image is broken, too.</param>
    /// <returns>Null for success, otherwise the error.</returns>
    /// <exception cref="BrokenImageException">The image is broken, and the options say to fail.</exception>
    public BadImage? TryMake<TState>(
        int index, in DecodeRequest request, TState state, Action<TState, LabeledImage> make)
    {
        if (_broken.TryGetValue(index, out var known) && !HasChanged(index, known.Stamp))
        {
            return _options.OnBadImage == BadImageAction.Fail ? throw Failure(known.Image) : known.Image;
        }

        try
        {
            var read = _data.Read(index, request);
            make(state, read);
            read.Image.Dispose();
            Outage.Answered();
            if (known is not null)
            {
                _broken.TryRemove(index, out _); // repaired meanwhile
            }

            return null;
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            var bad = new BadImage(index, _data.NameOf(index), error.Message)
            {
                MayPass = error is not BrokenImageException { MayPass: false },
            };
            if (!bad.MayPass)
            {
                Outage.Answered();
                _broken[index] = new Known(bad, StampOf(index));
                LeaveOut(bad);
                if (_options.OnBadImage == BadImageAction.Fail)
                {
                    throw Failure(bad);
                }
            }

            return bad;
        }
    }

    /// <summary>
    /// Records a skipped image. It is reported the first time, and again if it turns out to be broken.
    /// </summary>
    public void LeaveOut(BadImage bad)
    {
        bool isNews;
        lock (_leftOut)
        {
            isNews = !_leftOut.TryGetValue(bad.Index, out var known) || (known.MayPass && !bad.MayPass);
            if (isNews)
            {
                _leftOut[bad.Index] = bad;
            }
        }

        if (isNews)
        {
            _found?.Invoke(bad);
        }
    }

    /// <summary>The exception for a bad image if the options say to fail.</summary>
    public static BrokenImageException Failure(BadImage bad) =>
        new($"{bad} Repair or remove it, or skip it with loader.onBadImage = \"{BadImageAction.Skip.Name()}\".")
        {
            MayPass = bad.MayPass,
        };

    private bool HasChanged(int index, FileStamp? stamp) =>
        stamp is { } before && (!before.IsSettled || StampOf(index) != stamp);

    private FileStamp? StampOf(int index) => _files is null ? null : FileStamp.Of(_files.PathOf(index));

    private sealed record Known(BadImage Image, FileStamp? Stamp);
}
