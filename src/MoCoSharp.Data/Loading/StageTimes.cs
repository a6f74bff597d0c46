using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>Where the time of two views of an image goes, in seconds of one core over all images.</summary>
/// <param name="Images">That were read.</param>
/// <param name="Broken">That could not be.</param>
/// <param name="Read">The file's bytes; 0 where the set holds pixels.</param>
/// <param name="Decode">From the file to pixels; where the set holds pixels, to have them.</param>
/// <param name="Crop">Crop and resize.</param>
/// <param name="Color">Jitter and greyscale.</param>
/// <param name="Blur">Gaussian blur.</param>
/// <param name="Normalize">To floats in the batch, mirrored or not.</param>
/// <param name="Allocated">Bytes of garbage, in the second half of the images.</param>
public sealed record StageTimes(
    int Images, int Broken, double Read, double Decode, double Crop, double Color, double Blur, double Normalize,
    long Allocated)
{
    /// <summary>All stages, seconds of one core.</summary>
    public double Total => Read + Decode + Crop + Color + Blur + Normalize;

    /// <summary>Makes two views of image after image on this thread, and watches each stage.</summary>
    /// <param name="data">Where they come from.</param>
    /// <param name="transform">Makes each view.</param>
    /// <param name="decoder">Who decodes JPEG.</param>
    /// <param name="seed">Of the views and of the order.</param>
    /// <param name="images">How many; more than the set has begins again with other views.</param>
    public static StageTimes Measure(
        IImageDataset data, ViewTransform transform, JpegDecoder decoder, long seed, int images)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(transform);
        Span<long> ticks = stackalloc long[6];
        var floats = new float[2 * 3 * transform.Size * transform.Size];
        var order = EpochOrder.Shuffled(data.Count, seed, epoch: 0);
        var made = 0;
        var broken = new HashSet<int>(); // the order comes round more than once in a small set
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
                broken.Add(index); // the run itself names it
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
