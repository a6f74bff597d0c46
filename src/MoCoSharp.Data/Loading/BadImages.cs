using System.Collections.Concurrent;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>Reads images, and remembers those that cannot be read so as not to decode them again.</summary>
/// <param name="data">Where they come from.</param>
/// <param name="options">What a broken image does.</param>
/// <param name="found">Told of each broken image once, on the thread that met it.</param>
internal sealed class BadImages(IImageDataset data, LoaderOptions options, Action<BadImage>? found = null)
{
    private readonly ConcurrentDictionary<int, BadImage> known = [];

    public IReadOnlyCollection<BadImage> All => [.. known.Values.OrderBy(image => image.Index)];

    /// <summary>Reads an image and makes something of it; the image's memory is lent to the next one then.</summary>
    /// <param name="index">In the data set.</param>
    /// <param name="request">How to read it.</param>
    /// <param name="state">What <paramref name="make"/> works on, so that no object is needed for each image.</param>
    /// <param name="make">What to do with the image; it too may find it broken.</param>
    /// <returns>False where the image is broken.</returns>
    /// <exception cref="BrokenImageException">It is broken, and the options say to fail.</exception>
    public bool TryMake<TState>(int index, in DecodeRequest request, TState state, Action<TState, LabelledImage> make)
    {
        if (!known.TryGetValue(index, out var bad))
        {
            try
            {
                var read = data.Read(index, request);
                make(state, read);
                read.Image.Dispose();
                return true;
            }
            catch (BrokenImageException exception)
            {
                bad = new BadImage(index, data.NameOf(index), exception.Message);
                if (known.TryAdd(index, bad))
                {
                    found?.Invoke(bad);
                }
            }
        }

        if (options.OnBadImage != LoaderOptions.Fail)
        {
            return false;
        }

        var what = bad.Reason.Contains(bad.Name) ? bad.Reason : $"{bad.Name}: {bad.Reason}";
        throw new BrokenImageException($"{what} Mend or remove it, or go on without it by loader.onBadImage = \"{LoaderOptions.Skip}\".");
    }
}
