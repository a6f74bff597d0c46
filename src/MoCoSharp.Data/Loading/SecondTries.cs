using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// Whether to try an image again at once, where it has no next turn. A short wait for one that cannot be read while
/// others can, shorter each time that this did not help; as long as an outage may last where none can be read.
/// </summary>
/// <param name="outage">When none can be read.</param>
/// <param name="answers">Reads an image to see whether the disk gives anything; true where it is broken, too.</param>
/// <param name="count">Images in the set.</param>
internal sealed class SecondTries(Outage outage, Func<int, bool> answers, int count)
{
    private const int Probes = 16;
    private const double LongestPatience = 2; // seconds

    private double patience = LongestPatience;

    /// <summary>For the images of a set.</summary>
    public static SecondTries Of(IImageDataset data, Outage outage) =>
        new(outage, index => Answers(() => data.Read(index).Image), data.Count);

    /// <summary>Whether an image is there, whole or broken.</summary>
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
    /// <param name="bad">What could not be read.</param>
    /// <param name="first">Of this image's tries; default at first.</param>
    /// <returns>Whether to try it again.</returns>
    /// <exception cref="BrokenImageException">None can be read, and the longest wait is over.</exception>
    public bool Again(BadImage bad, ref (long Since, long Answers) first)
    {
        if (first.Since == 0)
        {
            first = (Stopwatch.GetTimestamp(), outage.Answers);
        }

        if (Stopwatch.GetElapsedTime(first.Since).TotalSeconds < Volatile.Read(ref patience))
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

        // in all, twice the longest is waited for files that are gone
        Volatile.Write(ref patience, Volatile.Read(ref patience) / 2);
        return false;
    }

    /// <summary>A second try has helped: the next image gets as much patience.</summary>
    public void Helped() => Volatile.Write(ref patience, LongestPatience);
}
