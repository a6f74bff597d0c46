using MoCoSharp.Models;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// How a detector is built, trained on its samples, and asked. The defaults are the protocol of MoCo's VOC transfer.
/// </summary>
public sealed record DetectorOptions
{
    /// <summary>Square roots of the anchors' areas, in pixels.</summary>
    public IReadOnlyList<double> AnchorSizes { get; init; } = [32, 64, 128, 256, 512];

    /// <summary>Height / width of the anchors.</summary>
    public IReadOnlyList<double> AnchorRatios { get; init; } = [0.5, 1, 2];

    /// <summary>The region proposal network.</summary>
    public RpnOptions Rpn { get; init; } = new();

    /// <summary>The heads that classify regions.</summary>
    public RoiOptions Roi { get; init; } = new();

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (AnchorSizes.Count is 0 or > 32 || AnchorSizes.Any(size => size is not (> 0 and <= 65_536)))
        {
            yield return "detector.anchorSizes: expected 1 to 32 numbers above 0, in pixels. The protocol uses 32, " +
                "64, 128, 256 and 512.";
        }

        if (AnchorRatios.Count is 0 or > 32 || AnchorRatios.Any(ratio => ratio is not (>= 0.01 and <= 100)))
        {
            yield return "detector.anchorRatios: expected 1 to 32 numbers of 0.01 to 100. The protocol uses 0.5, 1 " +
                "and 2.";
        }

        foreach (var fault in Rpn.Faults().Concat(Roi.Faults()))
        {
            yield return fault;
        }
    }
}

/// <summary>Which anchors a region proposal network learns from, and what it proposes.</summary>
public sealed record RpnOptions
{
    /// <summary>An anchor that meets every object with a lower IoU is background.</summary>
    public double LowIou { get; init; } = 0.3;

    /// <summary>From this IoU on an anchor is an object; between the two it takes no part.</summary>
    public double HighIou { get; init; } = 0.7;

    /// <summary>Anchors of an image that are learned from.</summary>
    public int Samples { get; init; } = 256;

    /// <summary>Of them at most this share are objects.</summary>
    public double ObjectShare { get; init; } = 0.5;

    /// <summary>Proposals that meet a better one with a higher IoU go.</summary>
    public double NmsIou { get; init; } = 0.7;

    /// <summary>Best proposals before that, in training.</summary>
    public int TrainBefore { get; init; } = 12_000;

    /// <summary>And after it.</summary>
    public int TrainAfter { get; init; } = 2000;

    /// <summary>Best proposals before it, in a test.</summary>
    public int TestBefore { get; init; } = 6000;

    /// <summary>And after it.</summary>
    public int TestAfter { get; init; } = 1000;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (!(LowIou is > 0 and < 1) || !(HighIou is > 0 and <= 1) || LowIou > HighIou)
        {
            yield return $"detector.rpn.lowIou is {LowIou} and highIou {HighIou}, expected 0 < low <= high <= 1. " +
                "The protocol uses 0.3 and 0.7.";
        }

        if (Samples is < 1 or > 1_000_000 || !(ObjectShare is > 0 and <= 1))
        {
            yield return $"detector.rpn.samples is {Samples} and objectShare {ObjectShare}, expected a number above " +
                "0, and a share up to 1. The protocol uses 256 and 0.5.";
        }

        if (!(NmsIou is > 0 and <= 1))
        {
            yield return $"detector.rpn.nmsIou is {NmsIou}, expected above 0 and at most 1. The protocol uses 0.7.";
        }

        if (Math.Min(Math.Min(TrainBefore, TrainAfter), Math.Min(TestBefore, TestAfter)) < 1)
        {
            yield return $"detector.rpn: {TrainBefore} to {TrainAfter} proposals in training and {TestBefore} to " +
                $"{TestAfter} in a test, expected numbers above 0. The protocol uses 12000 to 2000 and 6000 to 1000.";
        }
    }
}

/// <summary>Which proposals the heads learn from, and what they find.</summary>
public sealed record RoiOptions
{
    /// <summary>Side of what is taken from the feature map, P; the last stage halves it.</summary>
    public int PoolSize { get; init; } = 14;

    /// <summary>Proposals of an image that are learned from.</summary>
    public int Samples { get; init; } = 512;

    /// <summary>Of them at most this share are objects.</summary>
    public double ObjectShare { get; init; } = 0.25;

    /// <summary>From this IoU on a proposal is an object; below, background.</summary>
    public double Iou { get; init; } = 0.5;

    /// <summary>
    /// Whether a BatchNorm stands behind the last stage, as MoCo's protocol has it: its features were pre-trained to be
    /// normalised by nothing.
    /// </summary>
    public bool ExtraNorm { get; init; } = true;

    /// <summary>What scores less is not found.</summary>
    public double TestScore { get; init; } = 0.05;

    /// <summary>Of a class, what meets a better find with a higher IoU goes.</summary>
    public double NmsIou { get; init; } = 0.5;

    /// <summary>Most finds of an image.</summary>
    public int MostFound { get; init; } = 100;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (PoolSize is < 2 or > 64)
        {
            yield return $"detector.roi.poolSize is {PoolSize}, expected 2 to 64. The protocol uses 14.";
        }

        if (Samples is < 1 or > 100_000 || !(ObjectShare is > 0 and <= 1))
        {
            yield return $"detector.roi.samples is {Samples} and objectShare {ObjectShare}, expected a number above " +
                "0, and a share up to 1. The protocol uses 512 and 0.25.";
        }

        if (!(Iou is > 0 and <= 1) || !(NmsIou is > 0 and <= 1))
        {
            yield return $"detector.roi.iou is {Iou} and nmsIou {NmsIou}, expected above 0 and at most 1. The " +
                "protocol uses 0.5 for both.";
        }

        if (!(TestScore is >= 0 and < 1) || MostFound < 1)
        {
            yield return $"detector.roi.testScore is {TestScore} and mostFound {MostFound}, expected 0 to below 1, " +
                "and a number above 0. The protocol uses 0.05 and 100.";
        }
    }
}

/// <summary>Pixels from one point of the fourth stage's map to the next, by the encoder's first layers.</summary>
internal static class BackboneStride
{
    public static int Of(EncoderOptions encoder) => encoder.Stem switch
    {
        EncoderStem.ImageNet => 16,
        EncoderStem.Small => 8,
        _ => 4, // Cifar: its first layers keep the size
    };
}
