using System.Text.Json.Serialization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>What a broken image does to an epoch.</summary>
[JsonConverter(typeof(EnumNameConverter<BadImageAction>))]
public enum BadImageAction
{
    /// <summary>Its place goes to the next readable image of the epoch's order.</summary>
    [JsonStringEnumMemberName("skip")]
    Skip,

    /// <summary>
    /// The epoch stops. An image that cannot be read now, for a fault of disk or network, is first waited for, up to
    /// <see cref="LoaderOptions.OutageSeconds"/>.
    /// </summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>
/// How images are read ahead. Of it only the window of shards, and a stop at a broken image, change what the batches
/// hold.
/// </summary>
public sealed record LoaderOptions
{
    /// <summary>Threads that decode images and make views.</summary>
    /// <value>0 (default): all cores but one, at least 1.</value>
    public int Workers { get; init; }

    /// <summary>Batches made ahead of the one in use; each takes batch x 2 views x size x size x 3 x 4 bytes.</summary>
    /// <value>1 and up; 4 by default.</value>
    public int PrefetchBatches { get; init; } = 4;

    /// <summary>What a broken image does.</summary>
    /// <value>"skip" by default.</value>
    public BadImageAction OnBadImage { get; init; } = BadImageAction.Skip;

    /// <summary>
    /// How long to wait where no image can be read any more, as when a network folder is gone, before the work ends.
    /// </summary>
    /// <value>60 seconds by default; 0 does not wait.</value>
    public int OutageSeconds { get; init; } = 60;

    /// <summary>Told when such a wait begins, goes on and ends. On any thread.</summary>
    [JsonIgnore]
    public Action<string>? Notice { get; init; }

    /// <summary>
    /// Images among which is shuffled at a time, where the set lies in shards; other sets are shuffled as a whole.
    /// </summary>
    /// <value>
    /// 16384 by default; 0 shuffles shards as a whole too, which asks the disk for any place of any file.
    /// </value>
    public int ShuffleWindow { get; init; } = 16_384;

    /// <summary>Who decodes JPEG.</summary>
    /// <value>"auto" by default. "turbojpeg" or "skia" insists on one.</value>
    public JpegDecoder JpegDecoder { get; init; } = JpegDecoder.Auto;

    /// <summary>All that is wrong with the options, a sentence each; none where they are fine.</summary>
    public IEnumerable<string> Faults()
    {
        if (Workers < 0)
        {
            yield return $"loader.workers is {Workers}, expected 0 (chosen by the number of cores) or more.";
        }

        if (PrefetchBatches < 1)
        {
            yield return $"loader.prefetchBatches is {PrefetchBatches}, expected 1 or more. The default is 4.";
        }

        if (EnumNames.Fault("loader.onBadImage", OnBadImage) is { } action)
        {
            yield return action;
        }

        if (OutageSeconds < 0)
        {
            yield return $"loader.outageSeconds is {OutageSeconds}, expected a number of seconds, or 0 to end at " +
                "once where no image can be read. The default is 60.";
        }

        if (ShuffleWindow < 0)
        {
            yield return $"loader.shuffleWindow is {ShuffleWindow}, expected a number of images, or 0 to shuffle " +
                "shards as a whole.";
        }

        if (EnumNames.Fault("loader.jpegDecoder", JpegDecoder) is { } decoder)
        {
            yield return decoder;
        }
    }

    /// <summary>The number of threads that <see cref="Workers"/> comes to on this machine.</summary>
    internal int ResolveWorkers() => Workers > 0 ? Workers : Math.Max(1, Environment.ProcessorCount - 1);

    internal void ThrowIfFaulty()
    {
        var faults = string.Join('\n', Faults());
        if (faults.Length > 0)
        {
            throw new ArgumentException(faults);
        }
    }
}
