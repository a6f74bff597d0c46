using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace FeatureService;

/// <summary>
/// An encoder that `moco export` wrote, and the preparation of images that its metadata ask for. Safe to use from
/// several threads.
/// </summary>
internal sealed class FeatureModel : IDisposable
{
    private readonly InferenceSession session;
    private readonly ViewTransform view;

    public FeatureModel(string path)
    {
        session = new InferenceSession(path);
        var metadata = session.ModelMetadata.CustomMetadataMap;
        var size = int.Parse(metadata["size"], CultureInfo.InvariantCulture);
        view = new ViewTransform(
            size,
            [new Resize(int.Parse(metadata["resize"], CultureInfo.InvariantCulture)), new CenterCrop(size)],
            new Normalize(Numbers(metadata["mean"]), Numbers(metadata["std"])));
    }

    public float[] Of(ImageBuffer image)
    {
        var pixels = new float[3 * view.Size * view.Size];
        var random = default(SampleRandom); // this view draws nothing
        view.Write(image, ref random, pixels);

        var planes = new float[pixels.Length]; // models take [N, 3, H, W]; views are [H, W, 3]
        for (var i = 0; i < pixels.Length; i++)
        {
            planes[(i % 3 * (pixels.Length / 3)) + (i / 3)] = pixels[i];
        }

        using var input = OrtValue.CreateTensorValueFromMemory(planes, [1, 3, view.Size, view.Size]);
        using var options = new RunOptions();
        using var outputs = session.Run(options, session.InputNames, [input], session.OutputNames);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose() => session.Dispose();

    private static float[] Numbers(string listed) =>
        [.. listed.Split(',').Select(number => float.Parse(number, CultureInfo.InvariantCulture))];
}
