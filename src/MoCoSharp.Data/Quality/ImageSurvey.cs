using System.IO.Hashing;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;

namespace MoCoSharp.Data.Quality;

/// <summary>Reads every image of a set once, on all cores, and tells what it is.</summary>
public static class ImageSurvey
{
    private static readonly DecodeRequest Upright = new() { AppliesOrientation = true };

    /// <summary>Reads the images. One that cannot be read now is tried again for up to two seconds.</summary>
    /// <param name="data">The images.</param>
    /// <param name="progress">Called with the number of images done, on any thread.</param>
    /// <param name="notice">Called when no image can be read any more, and the survey waits.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>The facts of each image, by index. Images that cannot be read have a fault.</returns>
    /// <exception cref="BrokenImageException">None can be read, or none can be read any more, for a minute.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<ImageFacts> Read(
        IImageDataset data, Action<int>? progress = null, Action<string>? notice = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var images = new BadImages(data, new LoaderOptions { Notice = notice });
        var facts = new ImageFacts[data.Count];
        var done = 0;
        var options = new ParallelOptions
        {
            CancellationToken = cancellation,
            MaxDegreeOfParallelism = Environment.ProcessorCount,
        };
        try
        {
            Parallel.For(0, facts.Length, options, i =>
            {
                facts[i] = ExaminePatiently(images, data, i);
                progress?.Invoke(Interlocked.Increment(ref done));
            });
        }
        catch (AggregateException error)
            when (error.InnerExceptions.OfType<BrokenImageException>().FirstOrDefault() is { } gone)
        {
            throw new BrokenImageException(gone.Message, error) { MayPass = true };
        }

        return facts;
    }

    private static ImageFacts ExaminePatiently(BadImages images, IImageDataset data, int index)
    {
        var first = default((long, long));
        for (var isSecond = false; ; isSecond = true)
        {
            var facts = Examine(data, index);
            if (facts.Fault is not { MayPass: true } fault)
            {
                images.Outage.Answered();
                if (isSecond && facts.Fault is null)
                {
                    images.SecondTries.Helped();
                }

                return facts;
            }

            if (!images.SecondTries.Again(fault, ref first))
            {
                return facts;
            }
        }
    }

    private static ImageFacts Examine(IImageDataset data, int index)
    {
        var facts = new ImageFacts(index, data.NameOf(index)) { Path = (data as IImageFiles)?.PathOf(index) };
        try
        {
            if (data is not IEncodedImages files)
            {
                using var image = data.Read(index, Upright).Image;
                return WithPixels(facts, image);
            }

            using var file = files.ReadEncoded(index);
            facts = facts with
            {
                Format = FileSignature.Format(file.Bytes) ?? "",
                IsTurned = file.Bytes is [0xFF, 0xD8, 0xFF, ..] && Orientation.OfJpeg(file.Bytes) > 1,
                FileHash = XxHash128.HashToUInt128(file.Bytes),
            };
            using var decoded = file.Decode(Upright);
            return WithPixels(facts, decoded);
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            return facts with
            {
                Fault = new BadImage(index, facts.Name, error.Message)
                {
                    MayPass = error is not BrokenImageException { MayPass: false },
                },
            };
        }
    }

    private static ImageFacts WithPixels(ImageFacts facts, ImageBuffer image)
    {
        var (brightness, range, isGray) = PixelStatistics.Of(image);
        return facts with
        {
            Width = image.Width,
            Height = image.Height,
            Brightness = brightness,
            ColorRange = range,
            IsGray = isGray,
            PixelHash = XxHash128.HashToUInt128(image.AsSpan(), ((long)image.Width << 32) | (uint)image.Height),
        };
    }
}
