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

    /// <summary>The CIFAR-10 demo of MoCo's authors, for small images. Evaluation uses them uncropped.</summary>
    [JsonStringEnumMemberName("cifar-demo")]
    CifarDemo,

    /// <summary>MoCo v1's operations, for small images. Evaluation uses them uncropped.</summary>
    [JsonStringEnumMemberName("cifar-v1")]
    CifarV1,

    /// <summary>SimCLR, for photos.</summary>
    [JsonStringEnumMemberName("simclr")]
    SimClr,

    /// <summary>SimCLR for CIFAR-10, for small images. Evaluation uses them uncropped.</summary>
    [JsonStringEnumMemberName("simclr-cifar")]
    SimClrCifar,
}

/// <summary>How views are made: a recipe, and the deviations from it.</summary>
public sealed record ViewOptions
{
    /// <summary>The published pipeline to follow.</summary>
    /// <value>Default "moco-v2".</value>
    public ViewRecipe Recipe { get; init; } = ViewRecipe.MoCoV2;

    /// <summary>Side of a view, in pixels.</summary>
    /// <value>Above 0. Default 224. The CIFAR demo uses 32.</value>
    public int Size { get; init; } = 224;

    /// <summary>
    /// Side of an image in evaluation, in pixels. A random crop enlarges what it shows, by 1.4 on average with crops
    /// from 0.2 on, so a whole image that is 1.4 times as large as the views looks most like them.
    /// </summary>
    /// <remarks>Touvron et al. 2019, <see href="https://arxiv.org/abs/1906.06423"/>.</remarks>
    /// <value>Above 0. Unset: <see cref="Size"/>.</value>
    public int? EvaluationSize { get; init; }

    /// <summary>Smallest share of the image's area in a random crop.</summary>
    /// <value>Above 0, at most <see cref="CropScaleMax"/>. Unset: 0.2, or 0.08 for "cifar-demo" and SimCLR.</value>
    public double? CropScaleMin { get; init; }

    /// <summary>Largest share of the image's area in a random crop.</summary>
    /// <value>At most 1. Unset: 1.</value>
    public double? CropScaleMax { get; init; }

    /// <summary>Mean of red, green and blue, on a scale of 0 to 1.</summary>
    /// <value>Three numbers. Unset: ImageNet's, or CIFAR-10's for the recipes for small images.</value>
    public float[]? Mean { get; init; }

    /// <summary>Standard deviation of red, green and blue, on a scale of 0 to 1.</summary>
    /// <value>Three numbers above 0. Unset: ImageNet's, or CIFAR-10's for the recipes for small images.</value>
    public float[]? Std { get; init; }

    /// <summary>The strength s of SimCLR's color distortion.</summary>
    /// <value>Above 0, at most 2.5. Unset: 1, or 0.5 for "simclr-cifar". Only for the "simclr" recipes.</value>
    public double? Strength { get; init; }

    /// <summary>Whether to blur half of the views, with sigma 0.1 to 2 pixels.</summary>
    /// <value>Unset: as in the recipe; true for "moco-v2" and "simclr".</value>
    public bool? Blur { get; init; }

    /// <summary>
    /// Whether to rotate images by their EXIF orientation. The papers' loaders do not. Default false.
    /// </summary>
    public bool ExifOrientation { get; init; }

    /// <summary>
    /// Whether to decode a JPEG at an eighth, a quarter or half of its size, if both crops stay at least as large as
    /// the views. Large photos are read several times as fast. Their crops are smoothed once more, so the views differ
    /// slightly from those of the whole image. Default false.
    /// </summary>
    public bool ScaledDecoding { get; init; }

    /// <summary>The options for evaluation: <see cref="Size"/> is that of an image in evaluation.</summary>
    internal ViewOptions ForEvaluation() => this with { Size = EvaluationSize ?? Size, EvaluationSize = null };
}
