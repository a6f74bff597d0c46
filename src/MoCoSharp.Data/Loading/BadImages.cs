using System.Collections.Concurrent;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Reads images. Remembers those that are none, until their files change; those that cannot be read now are tried again
/// whenever asked for.
/// </summary>
internal sealed class BadImages
{
    private readonly IImageDataset data;
    private readonly LoaderOptions options;
    private readonly Action<BadImage>? found;
    private readonly ConcurrentDictionary<int, Known> broken = [];
    private readonly SortedList<int, BadImage> leftOut = []; // locks itself
    private readonly IImageFiles? files;

    /// <summary>A reader that has met no image yet.</summary>
    /// <param name="data">Where they come from.</param>
    /// <param name="options">What a bad image does.</param>
    /// <param name="found">Told of each bad image once, on the thread that met it.</param>
    public BadImages(IImageDataset data, LoaderOptions options, Action<BadImage>? found = null)
    {
        (this.data, this.options, this.found, files) = (data, options, found, data as IImageFiles);
        Outage = new(data, data.Description, data.Count, TimeSpan.FromSeconds(options.OutageSeconds), options.Notice);
        SecondTries = SecondTries.Of(data, Outage);
    }

    /// <summary>The images that lost a turn or are broken, by index.</summary>
    public IReadOnlyCollection<BadImage> All
    {
        get
        {
            lock (leftOut)
            {
                return [.. leftOut.Values];
            }
        }
    }

    /// <summary>When none can be read.</summary>
    public Outage Outage { get; }

    /// <summary>For passes in which an image has no next turn.</summary>
    public SecondTries SecondTries { get; }

    /// <summary>Reads an image and makes something of it; the image's memory is lent to the next one then.</summary>
    /// <param name="index">In the data set.</param>
    /// <param name="request">How to read it.</param>
    /// <param name="state">What <paramref name="make"/> works on, so that no object is needed for each image.</param>
    /// <param name="make">What to do with the image; it too may find it broken.</param>
    /// <returns>Null where it was made; else what is wrong with it.</returns>
    /// <exception cref="BrokenImageException">It is broken, and the options say to fail.</exception>
    public BadImage? TryMake<TState>(
        int index, in DecodeRequest request, TState state, Action<TState, LabelledImage> make)
    {
        if (broken.TryGetValue(index, out var known) && !HasChanged(index, known.Stamp))
        {
            return options.OnBadImage == BadImageAction.Fail ? throw Failure(known.Image) : known.Image;
        }

        try
        {
            var read = data.Read(index, request);
            make(state, read);
            read.Image.Dispose();
            Outage.Answered();
            if (known is not null)
            {
                broken.TryRemove(index, out _); // mended meanwhile
            }

            return null;
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            var bad = new BadImage(index, data.NameOf(index), error.Message)
            {
                MayPass = error is not BrokenImageException { MayPass: false },
            };
            if (!bad.MayPass)
            {
                Outage.Answered();
                broken[index] = new Known(bad, StampOf(index));
                LeaveOut(bad);
                if (options.OnBadImage == BadImageAction.Fail)
                {
                    throw Failure(bad);
                }
            }

            return bad;
        }
    }

    /// <summary>An image has lost its turn: told the first time, and again where it turns out to be broken.</summary>
    public void LeaveOut(BadImage bad)
    {
        bool isNews;
        lock (leftOut)
        {
            isNews = !leftOut.TryGetValue(bad.Index, out var known) || (known.MayPass && !bad.MayPass);
            if (isNews)
            {
                leftOut[bad.Index] = bad;
            }
        }

        if (isNews)
        {
            found?.Invoke(bad);
        }
    }

    /// <summary>What is thrown where the options say to fail.</summary>
    public static BrokenImageException Failure(BadImage bad) =>
        new($"{bad} Mend or remove it, or go on without it by loader.onBadImage = \"{BadImageAction.Skip.Name()}\".")
        {
            MayPass = bad.MayPass,
        };

    private bool HasChanged(int index, FileStamp? stamp) =>
        stamp is { } before && (!before.IsSettled || StampOf(index) != stamp);

    private FileStamp? StampOf(int index) => files is null ? null : FileStamp.Of(files.PathOf(index));

    private sealed record Known(BadImage Image, FileStamp? Stamp);
}
