using MoCoSharp.Models;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// Architecture, sampling and test settings of a detector. The defaults are the protocol of MoCo's VOC transfer.
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

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
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

        foreach (var fault in Rpn.Validate().Concat(Roi.Validate()))
        {
            yield return fault;
        }
    }
}

/// <summary>How a region proposal network is trained, and how many boxes it proposes.</summary>
public sealed record RpnOptions
{
    /// <summary>An anchor is background if its IoU with every object is lower than this.</summary>
    public double LowIou { get; init; } = 0.3;

    /// <summary>From this IoU on an anchor is an object. Anchors in between are ignored.</summary>
    public double HighIou { get; init; } = 0.7;

    /// <summary>Anchors sampled per image.</summary>
    public int Samples { get; init; } = 256;

    /// <summary>Maximum share of objects among the sampled anchors.</summary>
    public double ObjectShare { get; init; } = 0.5;

    /// <summary>A proposal is dropped if its IoU with a better one is higher than this.</summary>
    public double NmsIou { get; init; } = 0.7;

    /// <summary>Best proposals before non-maximum suppression, in training.</summary>
    public int TrainBefore { get; init; } = 12_000;

    /// <summary>Proposals after non-maximum suppression, in training.</summary>
    public int TrainAfter { get; init; } = 2000;

    /// <summary>Best proposals before non-maximum suppression, in a test.</summary>
    public int TestBefore { get; init; } = 6000;

    /// <summary>Proposals after non-maximum suppression, in a test.</summary>
    public int TestAfter { get; init; } = 1000;

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
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

/// <summary>How the heads are trained on proposals, and which detections they return.</summary>
public sealed record RoiOptions
{
    /// <summary>Side P of a pooled region, in points of the feature map. The last stage halves it.</summary>
    public int PoolSize { get; init; } = 14;

    /// <summary>Proposals sampled per image.</summary>
    public int Samples { get; init; } = 512;

    /// <summary>Maximum share of objects among the sampled proposals.</summary>
    public double ObjectShare { get; init; } = 0.25;

    /// <summary>From this IoU on a proposal is an object; below, it is background.</summary>
    public double Iou { get; init; } = 0.5;

    /// <summary>
    /// Whether a BatchNorm follows the last stage, as in MoCo's protocol: pre-trained features are not normalized.
    /// </summary>
    public bool ExtraNorm { get; init; } = true;

    /// <summary>Detections with a lower score are dropped.</summary>
    public double TestScore { get; init; } = 0.05;

    /// <summary>A detection is dropped if its IoU with a better one of the same class is higher than this.</summary>
    public double NmsIou { get; init; } = 0.5;

    /// <summary>Maximum number of detections per image.</summary>
    public int MostFound { get; init; } = 100;

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
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

/// <summary>The stride of the feature map "C4" in pixels, for each kind of encoder stem.</summary>
internal static class BackboneStride
{
    public static int Of(EncoderOptions encoder) => encoder.Stem switch
    {
        EncoderStem.ImageNet => 16,
        EncoderStem.Small => 8,
        _ => 4, // Cifar: its first layers keep the size
    };
}
