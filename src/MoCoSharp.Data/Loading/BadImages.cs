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

    /// <summary>The image; null where it is broken.</summary>
    /// <exception cref="BrokenImageException">It is broken, and the options say to fail.</exception>
    public LabelledImage? Read(int index)
    {
        if (!known.TryGetValue(index, out var bad))
        {
            try
            {
                return data.Read(index);
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

        return options.OnBadImage == LoaderOptions.Fail
            ? throw new BrokenImageException($"{bad.Reason} Mend or remove it, or go on without it by loader.onBadImage = \"{LoaderOptions.Skip}\".")
            : null;
    }
}
