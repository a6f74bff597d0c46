using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Decides whether to retry an image at once, in passes that read each image only once. While other images can be read,
/// it waits briefly, and less each time a wait did not help. While no image can be read, it waits as long as an outage
/// may last.
/// </summary>
/// <param name="outage">Handles the time in which no image can be read.</param>
/// <param name="answers">Reads an image, to see whether the disk responds. True also for a broken image.</param>
/// <param name="count">Number of images in the set.</param>
internal sealed class SecondTries(Outage outage, Func<int, bool> answers, int count)
{
    private const int Probes = 16;
    private const double LongestPatience = 2; // seconds

    private double _patience = LongestPatience;

    /// <summary>Second tries for the images of a set.</summary>
    public static SecondTries Of(IImageDataset data, Outage outage) =>
        new(outage, index => Answers(() => data.Read(index).Image), data.Count);

    /// <summary>Whether an image can be read, whole or broken.</summary>
    public static bool Answers(Func<ImageBuffer> read)
    {
        try
        {
            read().Dispose();
            return true;
        }
        catch (BrokenImageException error)
        {
            return !error.MayPass;
        }
    }

    /// <summary>Waits a moment, or gives up.</summary>
    /// <param name="bad">The image that could not be read.</param>
    /// <param name="first">State of the tries of this image; default at first.</param>
    /// <returns>Whether to try again.</returns>
    /// <exception cref="BrokenImageException">No image can be read, and the longest wait is over.</exception>
    public bool Again(BadImage bad, ref (long Since, long Answers) first)
    {
        if (first.Since == 0)
        {
            first = (Stopwatch.GetTimestamp(), outage.Answers);
        }

        if (Stopwatch.GetElapsedTime(first.Since).TotalSeconds < Volatile.Read(ref _patience))
        {
            Thread.Sleep(20);
            return true;
        }

        if (
            outage.Answers == first.Answers
            && !Enumerable.Range(0, Probes).Any(probe => answers((int)((long)probe * count / Probes))))
        {
            outage.Wait(bad);
            return true;
        }

        // For missing files, the waits add up to twice the longest one.
        Volatile.Write(ref _patience, Volatile.Read(ref _patience) / 2);
        return false;
    }

    /// <summary>Records that a second try helped. The next image gets the full patience again.</summary>
    public void Helped() => Volatile.Write(ref _patience, LongestPatience);
}
