using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>The published pipelines of views, operation by operation.</summary>
public static class ViewRecipes
{
    private const int LargestSize = 4096;

    // From MoCo's main_moco.py; the second pair is from its CIFAR-10 demo.
    private static readonly float[] ImageNetMean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] ImageNetStd = [0.229f, 0.224f, 0.225f];
    private static readonly float[] CifarMean = [0.4914f, 0.4822f, 0.4465f];
    private static readonly float[] CifarStd = [0.2023f, 0.1994f, 0.2010f];

    /// <summary>MoCo v1: grayscale before jitter, and jitter always applied, with a wide hue.</summary>
    /// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>.</remarks>
    public static ViewTransform MoCoV1(ViewOptions options) => Compose(
        options,
        Statistics(options),
        Crop(options, 0.2),
        new RandomGrayscale(0.2),
        new ColorJitter(0.4, 0.4, 0.4, 0.4),
        Blur(options, unset: false),
        new HorizontalFlip());

    /// <summary>MoCo v2: jitter before grayscale, then blur.</summary>
    /// <remarks>Chen et al. 2020, <see href="https://arxiv.org/abs/2003.04297"/>.</remarks>
    public static ViewTransform MoCoV2(ViewOptions options) => Compose(
        options,
        ImageNet,
        Crop(options, 0.2),
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8),
        new RandomGrayscale(0.2),
        Blur(options, unset: true),
        new HorizontalFlip());

    /// <summary>The CIFAR-10 demo of MoCo's authors: smaller crops, flip first, no blur.</summary>
    public static ViewTransform CifarDemo(ViewOptions options) => Compose(
        options,
        CifarTen,
        Crop(options, 0.08),
        new HorizontalFlip(),
        new ColorJitter(0.4, 0.4, 0.4, 0.1, 0.8),
        new RandomGrayscale(0.2),
        Blur(options, unset: false));

    /// <summary>
    /// SimCLR: small crops, color distortion of a given strength, and a blur whose kernel is a tenth of the side.
    /// Without blur for CIFAR-10.
    /// </summary>
    /// <remarks>
    /// Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>, appendices A and B.9: jitter of strength s x
    /// (0.8, 0.8, 0.8, 0.2) in eight of ten views. Brightness is multiplied, as in torchvision and in the paper's code
    /// for TensorFlow 2. The code for TensorFlow 1 adds it.
    /// </remarks>
    public static ViewTransform SimClr(ViewOptions options)
    {
        ThrowIfFaulty(options);
        var strength = options.Strength ?? (options.Recipe == ViewRecipe.SimClrCifar ? 0.5 : 1);
        return Compose(
            options,
            Statistics(options),
            Crop(options, 0.08),
            new HorizontalFlip(),
            new ColorJitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength, 0.8),
            new RandomGrayscale(0.2),
            options.Blur ?? options.Recipe == ViewRecipe.SimClr
                ? new KernelBlur(KernelBlur.KernelOf(options.Size), 0.1, 2, 0.5)
                : null);
    }

    /// <summary>The single view of an image for evaluation: resize and center crop, without randomness.</summary>
    /// <remarks>
    /// The shorter side becomes 256/224 of the size. For "cifar-demo" and the like it becomes the size itself, so
    /// images of that size stay as they are, as in the demo.
    /// </remarks>
    public static ViewTransform Evaluation(ViewOptions options)
    {
        ThrowIfFaulty(options);
        options = options.ForEvaluation();
        var shortSide = IsSmall(options) ? options.Size : (int)Math.Round(options.Size * 256 / 224.0);
        return Compose(options, Statistics(options), new Resize(shortSide), new CenterCrop(options.Size));
    }

    /// <summary>The view for training with labels: a random crop of 8 % to all of the image, and a flip.</summary>
    /// <remarks>
    /// torchvision's training reference, and MoCo's main_lincls.py. Crop options of the recipe do not apply: they are
    /// for pre-training.
    /// </remarks>
    public static ViewTransform Supervised(ViewOptions options)
    {
        ThrowIfFaulty(options);
        return Compose(options, Statistics(options), new RandomResizedCrop(options.Size, 0.08), new HorizontalFlip());
    }

    /// <summary>The views for pre-training, by <see cref="ViewOptions.Recipe"/>.</summary>
    /// <exception cref="ArgumentException">The options have faults. The message lists all of them.</exception>
    public static ViewTransform Train(ViewOptions options)
    {
        ThrowIfFaulty(options);
        return options.Recipe switch
        {
            ViewRecipe.MoCoV1 or ViewRecipe.CifarV1 => MoCoV1(options),
            ViewRecipe.SimClr or ViewRecipe.SimClrCifar => SimClr(options),
            ViewRecipe.MoCoV2 => MoCoV2(options),
            _ => CifarDemo(options),
        };
    }

    /// <summary>Every fault of the options, a sentence each.</summary>
    public static IEnumerable<string> Faults(ViewOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return Check(options);
    }

    private static IEnumerable<string> Check(ViewOptions options)
    {
        if (EnumNames.Fault("views.recipe", options.Recipe) is { } recipe)
        {
            yield return recipe;
        }

        if (options.Size is < 1 or > LargestSize)
        {
            yield return $"views.size is {options.Size}, expected 1 to {LargestSize} pixels. ImageNet recipes use " +
                "224, CIFAR 32.";
        }

        if (options.EvaluationSize is < 1 or > LargestSize)
        {
            yield return $"views.evaluationSize is {options.EvaluationSize}, expected 1 to {LargestSize} pixels, or " +
                "null for views.size.";
        }

        var (least, most) = (
            options.CropScaleMin ?? Math.Min(0.08, options.CropScaleMax ?? 1),
            options.CropScaleMax ?? 1);
        if (!(most > 0 && most <= 1))
        {
            yield return Invariant(
                $"views.cropScaleMax is {most}, expected a share of the area above 0 and at most 1.");
        }
        else if (!(least > 0 && least <= most))
        {
            yield return Invariant($"views.cropScaleMin is {least}, expected a share of the area above 0 ") +
                Invariant($"and at most views.cropScaleMax ({most}).");
        }

        if (options.Strength is { } strength && !(options.Recipe is ViewRecipe.SimClr or ViewRecipe.SimClrCifar))
        {
            yield return Invariant($"views.strength is {strength}, which only {ViewRecipe.SimClr.Name()} and ") +
                $"{ViewRecipe.SimClrCifar.Name()} use; views.recipe is \"{options.Recipe.Name()}\".";
        }
        else if (options.Strength is { } s && !(s > 0 && s <= 2.5))
        {
            yield return Invariant($"views.strength is {s}, expected a number above 0 and at most 2.5, ") +
                "where the hue turns by up to a half circle. SimCLR uses 1, and 0.5 for CIFAR-10.";
        }

        if (options.Mean is { } mean && (mean.Length != 3 || !mean.All(float.IsFinite)))
        {
            yield return $"views.mean is [{Listed(mean)}], expected three numbers: red, green, blue on a scale of 0 " +
                "to 1.";
        }

        if (options.Std is { } std && (std.Length != 3 || !std.All(value => float.IsFinite(value) && value > 0)))
        {
            yield return $"views.std is [{Listed(std)}], expected three numbers above 0: red, green, blue on a " +
                "scale of 0 to 1.";
        }
    }

    private static (float[] Mean, float[] Std) ImageNet => (ImageNetMean, ImageNetStd);

    private static (float[] Mean, float[] Std) CifarTen => (CifarMean, CifarStd);

    // Images that are about as small as their views. Evaluation uses them uncropped.
    private static bool IsSmall(ViewOptions options) =>
        options.Recipe is ViewRecipe.CifarDemo or ViewRecipe.CifarV1 or ViewRecipe.SimClrCifar;

    private static (float[] Mean, float[] Std) Statistics(ViewOptions options) =>
        IsSmall(options) ? CifarTen : ImageNet;

    private static ViewTransform Compose(
        ViewOptions options,
        (float[] Mean, float[] Std) statistics,
        params IViewOperation?[] operations) =>
        new(
        options.Size,
        [.. operations.OfType<IViewOperation>()],
        new Normalize(options.Mean ?? statistics.Mean, options.Std ?? statistics.Std))
    {
        AppliesOrientation = options.ExifOrientation,
        DecodesSmaller = options.ScaledDecoding,
    };

    private static RandomResizedCrop Crop(ViewOptions options, double unsetMin)
    {
        ThrowIfFaulty(options);
        var most = options.CropScaleMax ?? 1;
        return new RandomResizedCrop(options.Size, options.CropScaleMin ?? Math.Min(unsetMin, most), most);
    }

    private static GaussianBlur? Blur(ViewOptions options, bool unset) =>
        options.Blur ?? unset ? new GaussianBlur(0.1, 2, 0.5) : null;

    private static void ThrowIfFaulty(ViewOptions options)
    {
        var faults = string.Join('\n', Faults(options));
        if (faults.Length > 0)
        {
            throw new ArgumentException(faults, nameof(options));
        }
    }

    private static string Listed(float[] values) =>
        string.Join(", ", values.Select(value => value.ToString(System.Globalization.CultureInfo.InvariantCulture)));
}
