using System.Globalization;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>
/// A time in which no image of a set can be read, for example because a network folder is unavailable. Readers wait, up
/// to a limit, and report it.
/// </summary>
/// <param name="data">
/// The set. If any reader of this process has read an image of it, its absence is an outage and not a mistake.
/// </param>
/// <param name="set">Name of the set in messages.</param>
/// <param name="count">Number of images in the set.</param>
/// <param name="longest">The longest wait.</param>
/// <param name="notice">Called when a wait begins, continues and ends. On any thread.</param>
internal sealed class Outage(object data, string set, int count, TimeSpan longest, Action<string>? notice)
{
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BetweenNotices = TimeSpan.FromSeconds(10);

    private static readonly ConditionalWeakTable<object, StrongBox<bool>> Given = [];

    private readonly StrongBox<bool> _given = Given.GetOrCreateValue(data);
    private readonly Lock _gate = new();
    private long _answers;
    private long _since; // 0: no outage
    private TimeSpan _lastNotice;

    /// <summary>Whether any file of the set was ever read, image or not.</summary>
    public bool HasGiven => _given.Value;

    /// <summary>The number of files that this reader has read.</summary>
    public long Answers => Volatile.Read(ref _answers);

    /// <summary>Records that a file was read: there is no outage, or it is over.</summary>
    public void Answered()
    {
        _given.Value = true;
        Interlocked.Increment(ref _answers);
        if (Volatile.Read(ref _since) == 0)
        {
            return;
        }

        string? over = null;
        lock (_gate)
        {
            if (_since != 0)
            {
                over = FormattableString.Invariant(
                    $"{set}: images can be read again after {Stopwatch.GetElapsedTime(_since).TotalSeconds:F0} s.");
                Volatile.Write(ref _since, 0);
            }
        }

        if (over is not null)
        {
            notice?.Invoke(over);
        }
    }

    /// <summary>Waits a moment because no image can be read.</summary>
    /// <param name="bad">One of these images.</param>
    /// <exception cref="BrokenImageException">
    /// The longest wait is over; or no image was ever read, so waiting will not help.
    /// </exception>
    public void Wait(BadImage bad)
    {
        string? text = null;
        lock (_gate)
        {
            if (!_given.Value || longest == TimeSpan.Zero)
            {
                throw new BrokenImageException($"{set}: none of the {count} images can be read. The first: {bad}")
                {
                    MayPass = true,
                };
            }

            if (_since == 0)
            {
                Volatile.Write(ref _since, Stopwatch.GetTimestamp());
                _lastNotice = TimeSpan.Zero;
                text =
                    $"{set}: no image can be read now: {bad} Waiting up to {longest.TotalSeconds:G4} s for them " +
                    "(loader.outageSeconds).";
            }

            var waited = Stopwatch.GetElapsedTime(_since);
            if (waited > longest)
            {
                var seconds = waited.TotalSeconds.ToString("F0", CultureInfo.InvariantCulture);
                throw new BrokenImageException(
                    $"{set}: none of the {count} images could be read for {seconds} s. The latest: {bad} " +
                    "Is the disk or the network folder there?")
                {
                    MayPass = true,
                };
            }

            if (waited - _lastNotice > BetweenNotices)
            {
                _lastNotice = waited;
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
