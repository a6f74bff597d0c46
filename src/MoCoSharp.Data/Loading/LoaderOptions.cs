using System.Text.Json.Serialization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Loading;

/// <summary>What to do with a broken image in an epoch.</summary>
[JsonConverter(typeof(EnumNameConverter<BadImageAction>))]
public enum BadImageAction
{
    /// <summary>The next readable image of the epoch takes its place.</summary>
    [JsonStringEnumMemberName("skip")]
    Skip,

    /// <summary>
    /// The epoch fails. If an image cannot be read now because of a disk or network error, the loader first waits up to
    /// <see cref="LoaderOptions.OutageSeconds"/>.
    /// </summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>
/// Options of the loader. Only <see cref="ShuffleWindow"/> and <see cref="BadImageAction.Fail"/> change the content of
/// batches.
/// </summary>
public sealed record LoaderOptions
{
    /// <summary>Threads that decode images and make views.</summary>
    /// <value>Default 0: one less than the number of cores, at least 1.</value>
    public int Workers { get; init; }

    /// <summary>Batches prepared ahead. Each takes batch x 2 views x size x size x 3 x 4 bytes.</summary>
    /// <value>1 or more. Default 4.</value>
    public int PrefetchBatches { get; init; } = 4;

    /// <summary>What to do with a broken image.</summary>
    /// <value>Default "skip".</value>
    public BadImageAction OnBadImage { get; init; } = BadImageAction.Skip;

    /// <summary>
    /// How long to wait while no image can be read, as when a network folder is unavailable, before the work fails.
    /// </summary>
    /// <value>In seconds. Default 60; 0 does not wait.</value>
    public int OutageSeconds { get; init; } = 60;

    /// <summary>Called when such a wait begins, continues and ends. On any thread.</summary>
    [JsonIgnore]
    public Action<string>? Notice { get; init; }

    /// <summary>
    /// Number of images that are shuffled together in a set of shards. Other sets are shuffled as a whole.
    /// </summary>
    /// <value>
    /// Default 16384. 0 shuffles shards as a whole too, which reads from all files at random.
    /// </value>
    public int ShuffleWindow { get; init; } = 16_384;

    /// <summary>The library that decodes JPEG.</summary>
    /// <value>Default "auto". "turbojpeg" or "skia" requires one of them.</value>
    public JpegDecoder JpegDecoder { get; init; } = JpegDecoder.Auto;

    /// <summary>Every fault of these options, a sentence each.</summary>
    public IEnumerable<string> Validate()
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

    /// <summary>The number of threads that <see cref="Workers"/> means on this machine.</summary>
    internal int ResolveWorkers() => Workers > 0 ? Workers : Math.Max(1, Environment.ProcessorCount - 1);

    internal void ThrowIfFaulty()
    {
        var faults = string.Join('\n', Validate());
        if (faults.Length > 0)
        {
            throw new ArgumentException(faults);
        }
    }
}
