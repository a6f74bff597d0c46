using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>The time of each stage of making two views, in seconds of one core over all images.</summary>
/// <param name="Images">Number of images that were read.</param>
/// <param name="Broken">Number of images that could not be read.</param>
/// <param name="Read">Reading the file; 0 if the set holds pixels.</param>
/// <param name="Decode">Decoding the file, or copying the pixels of a set that holds pixels.</param>
/// <param name="Crop">Crop and resize.</param>
/// <param name="Color">Jitter and grayscale.</param>
/// <param name="Blur">Gaussian blur.</param>
/// <param name="Normalize">Conversion to floats in the batch, also mirrored.</param>
/// <param name="Allocated">Bytes of garbage in the second half of the images.</param>
public sealed record StageTimes(
    int Images, int Broken, double Read, double Decode, double Crop, double Color, double Blur, double Normalize,
    long Allocated)
{
    /// <summary>The sum of all stages, in seconds of one core.</summary>
    public double Total => Read + Decode + Crop + Color + Blur + Normalize;

    /// <summary>Makes two views of each image on this thread, and measures each stage.</summary>
    /// <param name="data">The images.</param>
    /// <param name="transform">Makes each view.</param>
    /// <param name="decoder">The library that decodes JPEG.</param>
    /// <param name="seed">Seed of the views and of the order.</param>
    /// <param name="images">Number of images. If it exceeds the set, the set is read again with other views.</param>
    public static StageTimes Measure(
        IImageDataset data, ViewTransform transform, JpegDecoder decoder, long seed, int images)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        Span<long> ticks = stackalloc long[6];
        var floats = new float[2 * 3 * transform.Size * transform.Size];
        var order = EpochOrder.Shuffled(data.Count, seed, epoch: 0);
        var made = 0;
        var broken = new HashSet<int>(); // a small set is read more than once
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        using var canvas = new ViewCanvas(new ImageBuffer(1, 1, new byte[3]));
        for (var i = 0; i < images; i++)
        {
            if (i == images / 2)
            {
                allocated = GC.GetAllocatedBytesForCurrentThread();
            }

            var (epoch, index) = (i / data.Count, order[i % data.Count]);
            var first = RandomStreams.View(seed, epoch, index, 0);
            var second = RandomStreams.View(seed, epoch, index, 1);
            var since = Stopwatch.GetTimestamp();
            try
            {
                var image = ReadImage(data, index, transform.Request(decoder, first, second), ticks, ref since);
                Views(transform, image, canvas, ref first, floats.AsSpan(0, floats.Length / 2), ticks, ref since);
                Views(transform, image, canvas, ref second, floats.AsSpan(floats.Length / 2), ticks, ref since);
                image.Dispose();
                made++;
            }
            catch (BrokenImageException)
            {
                broken.Add(index); // training reports it
            }
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        var second1 = (double)Stopwatch.Frequency;
        return new StageTimes(
            made, broken.Count, ticks[0] / second1, ticks[1] / second1, ticks[2] / second1, ticks[3] / second1,
            ticks[4] / second1, ticks[5] / second1, allocated);
    }

    private static ImageBuffer ReadImage(
        IImageDataset data, int index, in DecodeRequest request, Span<long> ticks, ref long since)
    {
        if (data is not IEncodedImages files)
        {
            var pixels = data.Read(index, request).Image;
            Lap(ref ticks[1], ref since);
            return pixels;
        }

        using var file = files.ReadEncoded(index);
        Lap(ref ticks[0], ref since);
        var image = file.Decode(request);
        Lap(ref ticks[1], ref since);
        return image;
    }

    private static void Views(
        ViewTransform transform, ImageBuffer image, ViewCanvas canvas, ref SampleRandom random, Span<float> floats,
        Span<long> ticks, ref long since)
    {
        canvas.Show(image);
        foreach (var operation in transform.Operations)
        {
            operation.Apply(canvas, ref random);
            Lap(
                ref ticks[
                    operation switch
                    {
                        ColorJitter or RandomGrayscale => 3,
                        GaussianBlur => 4,
                        HorizontalFlip => 5,
                        _ => 2,
                    }
                ],
                ref since);
        }

        transform.Normalize.Apply(canvas, floats);
        Lap(ref ticks[5], ref since);
    }

    private static void Lap(ref long ticks, ref long since)
    {
        var now = Stopwatch.GetTimestamp();
        ticks += now - since;
        since = now;
    }
}
