using System.Text.Json.Serialization;

namespace MoCoSharp.Data.Views;

/// <summary>A published pipeline of views.</summary>
[JsonConverter(typeof(EnumNameConverter<ViewRecipe>))]
public enum ViewRecipe
{
    /// <summary>MoCo v1, for photos.</summary>
    [JsonStringEnumMemberName("moco-v1")]
    MoCoV1,

    /// <summary>MoCo v2, for photos.</summary>
    [JsonStringEnumMemberName("moco-v2")]
    MoCoV2,

    /// <summary>The CIFAR-10 demo of MoCo's authors, for small images, which are evaluated as they are.</summary>
    [JsonStringEnumMemberName("cifar-demo")]
    CifarDemo,

    /// <summary>MoCo v1's operations, for small images, which are evaluated as they are.</summary>
    [JsonStringEnumMemberName("cifar-v1")]
    CifarV1,

    /// <summary>SimCLR, for photos.</summary>
    [JsonStringEnumMemberName("simclr")]
    SimClr,

    /// <summary>SimCLR of CIFAR-10, for small images, which are evaluated as they are.</summary>
    [JsonStringEnumMemberName("simclr-cifar")]
    SimClrCifar,
}

/// <summary>How views are made: a recipe, and what departs from it.</summary>
public sealed record ViewOptions
{
    /// <summary>The published pipeline to follow.</summary>
    /// <value>"moco-v2" by default.</value>
    public ViewRecipe Recipe { get; init; } = ViewRecipe.MoCoV2;

    /// <summary>Side of a view, in pixels.</summary>
    /// <value>Above 0; 224 by default. The CIFAR demo uses 32.</value>
    public int Size { get; init; } = 224;

    /// <summary>Least share of the image's area that a random crop takes.</summary>
    /// <value>Above 0, at most <see cref="CropScaleMax"/>. Unset: 0.2, and 0.08 for "cifar-demo" and SimCLR's.</value>
    public double? CropScaleMin { get; init; }

    /// <summary>Greatest share of the image's area that a random crop takes.</summary>
    /// <value>At most 1. Unset: 1.</value>
    public double? CropScaleMax { get; init; }

    /// <summary>Mean of red, green and blue on a scale of 0 to 1.</summary>
    /// <value>Three numbers. Unset: ImageNet's, and CIFAR-10's for small images' recipes.</value>
    public float[]? Mean { get; init; }

    /// <summary>Standard deviation of red, green and blue on a scale of 0 to 1.</summary>
    /// <value>Three numbers above 0. Unset: ImageNet's, and CIFAR-10's for small images' recipes.</value>
    public float[]? Std { get; init; }

    /// <summary>s, which SimCLR's colour distortion is scaled by.</summary>
    /// <value>Above 0, at most 2.5. Unset: 1, and 0.5 for "simclr-cifar". Of the "simclr" recipes alone.</value>
    public double? Strength { get; init; }

    /// <summary>Gaussian blur of half the views, sigma 0.1 to 2 pixels.</summary>
    /// <value>Unset: as the recipe has it, which is true for "moco-v2" and "simclr".</value>
    public bool? Blur { get; init; }

    /// <summary>
    /// Turns images upright as their EXIF data say. The papers' loaders do not, and neither do we unless asked.
    /// </summary>
    public bool ExifOrientation { get; init; }

    /// <summary>
    /// Decodes a JPEG at an eighth, a quarter or half of its size where both crops of it stay at least as large as the
    /// views. Large photos are read several times as fast; their crops are smoothed once more, so that the views are
    /// not quite those of the whole image. Off by default.
    /// </summary>
    public bool ScaledDecoding { get; init; }
}
