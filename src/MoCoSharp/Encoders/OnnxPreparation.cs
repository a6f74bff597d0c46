using System.Globalization;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>How the images of an ONNX model are prepared.</summary>
internal static class OnnxPreparation
{
    // The mean image of Microsoft.ML.DnnImageFeaturizer.ResNet18, averaged by channel: red, green, blue, 0 to 255.
    private static readonly double[] CntkMean = [123.15163, 115.90288, 103.06262];

    /// <summary>Whether a model takes pixels as CNTK's do: blue, green, red, 0 to 255, minus a mean image.</summary>
    public static bool IsCntk(OnnxModel model) => model.Producer.StartsWith("CNTK", StringComparison.Ordinal);

    /// <summary>Refuses CNTK models for small images: no file says how their images are prepared.</summary>
    /// <exception cref="InvalidDataException">It has not the first layers of Microsoft's ImageNet models.</exception>
    public static void CheckCntk(EncoderOptions options, string path)
    {
        if (options.Stem != EncoderStem.ImageNet)
        {
            throw new InvalidDataException(
                $"{path}: is a model by CNTK for small images, and does not say how they are prepared. Of CNTK's " +
                "models, only those of Microsoft.ML.DnnImageFeaturizer are known. Convert it with PyTorch.");
        }
    }

    /// <summary>
    /// Changes the first layer of a CNTK model, so that it takes red, green and blue, normalized with ImageNet's mean
    /// and standard deviation.
    /// </summary>
    /// <remarks>
    /// Exact but for two things. The mean image has one value a channel here. Beside the image lies ImageNet's mean, as
    /// in torchvision, not the mean image.
    /// </remarks>
    /// <param name="tensors">The weights by torchvision's names; those of the first layer are replaced.</param>
    public static void FoldCntk(Dictionary<string, Tensor> tensors)
    {
        var normalize = ViewRecipes.Evaluation(new ViewOptions()).Normalize;
        // x = 255 (s n + m) - M for each channel, where n is normalized: W x = (255 s W) n + W (255 m - M).
        var weight = tensors["conv1.weight"].to(float64).flip(1); // [D, RGB, 7, 7]
        var scale = tensor(normalize.Std.Select(std => 255.0 * std).ToArray());
        var shift = tensor(normalize.Mean.Select((mean, i) => (255.0 * mean) - CntkMean[i]).ToArray());
        var constant = (weight * shift.view(1, 3, 1, 1)).sum([1, 2, 3]); // [D]
        tensors["conv1.weight"] = (weight * scale.view(1, 3, 1, 1)).to(float32).contiguous();
        tensors["bn1.running_mean"] = (tensors["bn1.running_mean"].to(float64) - constant).to(float32);
    }

    /// <summary>The views that a model of MoCoSharp names in its metadata; null if it names none.</summary>
    /// <exception cref="InvalidDataException">They have faults.</exception>
    public static ViewOptions? Views(OnnxModel model, string path)
    {
        if (
            Numbers(model, "mean") is not { } mean
            || Numbers(model, "std") is not { } std
            || !int.TryParse(model.Metadata.GetValueOrDefault("size"), CultureInfo.InvariantCulture, out var size)
            || !int.TryParse(model.Metadata.GetValueOrDefault("resize"), CultureInfo.InvariantCulture, out var resize))
        {
            return null;
        }

        var views = new ViewOptions
        {
            // Its evaluation uses images uncropped; that of photos resizes more and crops.
            Recipe = resize == size ? ViewRecipe.CifarDemo : ViewRecipe.MoCoV2,
            Size = size,
            Mean = mean,
            Std = std,
        };
        var faults = string.Join(" ", ViewRecipes.Faults(views));
        return faults.Length == 0
            ? views
            : throw new InvalidDataException($"{path}: its metadata have faults: {faults}");
    }

    private static float[]? Numbers(OnnxModel model, string key)
    {
        var words = model.Metadata.GetValueOrDefault(key, "").Split(',');
        var numbers = words
            .Select(word => float.TryParse(word, CultureInfo.InvariantCulture, out var number) ? number : float.NaN)
            .ToArray();
        return numbers.Length == 3 ? numbers : null;
    }
}
