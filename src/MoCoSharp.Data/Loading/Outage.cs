using System.Diagnostics;
using System.Runtime.CompilerServices;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// A time in which no image of a set can be read: a network folder is gone, say. It is waited out, up to a limit, and
/// told.
/// </summary>
/// <param name="data">
/// The set: once it has given an image, to whatever reader of this process, its absence is an outage and not a mistake.
/// </param>
/// <param name="set">What a person calls it.</param>
/// <param name="count">Images in it.</param>
/// <param name="longest">To wait.</param>
/// <param name="notice">Told when a wait begins, goes on and ends; on any thread.</param>
internal sealed class Outage(object data, string set, int count, TimeSpan longest, Action<string>? notice)
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BetweenNotices = TimeSpan.FromSeconds(10);

    private static readonly ConditionalWeakTable<object, StrongBox<bool>> Given = [];

    private readonly StrongBox<bool> given = Given.GetOrCreateValue(data);
    private readonly Lock gate = new();
    private long answers;
    private long since; // 0: there is none
    private TimeSpan told;

    /// <summary>Whether the set has ever given a file, image or not.</summary>
    public bool HasGiven => given.Value;

    /// <summary>How often it has done so for this reader.</summary>
    public long Answers => Volatile.Read(ref answers);

    /// <summary>A file was read: there is no outage, or no longer.</summary>
    public void Answered()
    {
        given.Value = true;
        Interlocked.Increment(ref answers);
        if (Volatile.Read(ref since) == 0)
        {
            return;
        }

        string? over = null;
        lock (gate)
        {
            if (since != 0)
            {
                over = FormattableString.Invariant(
                    $"{set}: images can be read again after {Stopwatch.GetElapsedTime(since).TotalSeconds:F0} s.");
                Volatile.Write(ref since, 0);
            }
        }

        if (over is not null)
        {
            notice?.Invoke(over);
        }
    }

    /// <summary>Waits a moment, as no image can be read.</summary>
    /// <param name="bad">One that could not be.</param>
    /// <exception cref="BrokenImageException">
    /// The longest wait is over; or not one image was ever read, which no wait will mend.
    /// </exception>
    public void Wait(BadImage bad)
    {
        string? text = null;
        lock (gate)
        {
            if (!given.Value || longest == TimeSpan.Zero)
            {
                throw new BrokenImageException($"{set}: none of the {count} images can be read. The first: {bad}")
                {
                    MayPass = true,
                };
            }

            if (since == 0)
            {
                Volatile.Write(ref since, Stopwatch.GetTimestamp());
                told = TimeSpan.Zero;
                text =
                    $"{set}: no image can be read now: {bad} Waiting up to {longest.TotalSeconds:G4} s for them " +
                    "(loader.outageSeconds).";
            }

            var waited = Stopwatch.GetElapsedTime(since);
            if (waited > longest)
            {
                throw new BrokenImageException(FormattableString.Invariant(
                    $"{set}: none of the {count} images could be read for {waited.TotalSeconds:F0} s. The latest: {bad} Is the disk or the network folder there?"
                ))
                {
                    MayPass = true,
                };
            }

            if (waited - told > BetweenNotices)
            {
                told = waited;
                text = FormattableString.Invariant(
                    $"{set}: still no image can be read, {waited.TotalSeconds:F0} of {longest.TotalSeconds:F0} s.");
            }
        }

        if (text is not null)
        {
            notice?.Invoke(text);
        }

        Thread.Sleep(BetweenTries);
    }
}
