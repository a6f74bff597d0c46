using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Tests.Evaluation;

/// <summary>
/// A published classifier, whose accuracy on these images PyTorch has told: reading, views, layout and scores all stand
/// in the way of it.
/// </summary>
public sealed class ReferenceTests
{
    [Fact]
    public void APublishedResNet20_IsRightOn932Of1017TestImages()
    {
        using var file = TorchFile.Read(Path.Combine(TestData.Checkpoints(), "resnet20-12fca82f.th"));
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weights = ((PickleDictionary)((PickleDictionary)file.Root)["state_dict"])
            .Tensors()
            .ToDictionary(item => item.Key["module.".Length..], item => item.Value.Tensor);
        var (_, judged) = DataSource.Open($"cifar10:{TestData.CifarSubset()}", null);
        var view = ViewRecipes.Evaluation(
            new ViewOptions
            {
                Recipe = ViewRecipe.CifarDemo,
                Size = 32,
                Mean = [0.485f, 0.456f, 0.406f],
                Std = [0.229f, 0.224f, 0.225f],
            });
        var scores = new ClassificationScores(judged!.ClassNames);
        float[]? first = null;
        foreach (var batch in ViewLoader.Evaluate(judged, view, new LoaderOptions { Workers = 1 }, 256))
        {
            using (batch)
            using (NewDisposeScope())
            {
                var logits = ResNet20(weights, HostMemory.Images(batch.Query, batch.Count, batch.Size, CPU));
                scores.Add(logits, batch.Labels.AsSpan(0, batch.Count));
                first ??= HostMemory.Floats(logits[0])[..4];
            }
        }

        Assert.Equal((932, 1017), (scores.Right, scores.Count));
        Assert.Equal([-5.3097f, -0.4958f, 0.8773f, 23.7305f], first!, (a, b) => Math.Abs(a - b) < 1e-4);
    }

    // He et al. 2016, section 4.2: three stages of three blocks with 16, 32 and 64 channels; shortcuts of option A,
    // without weights.
    private static Tensor ResNet20(Dictionary<string, Tensor> weights, Tensor images)
    {
        var hidden = Norm("bn1", Convolve("conv1", images, 1)).relu();
        for (var stage = 1; stage <= 3; stage++)
        {
            for (var block = 0; block < 3; block++)
            {
                var name = $"layer{stage}.{block}";
                var stride = stage > 1 && block == 0 ? 2 : 1;
                var inner = Norm($"{name}.bn1", Convolve($"{name}.conv1", hidden, stride)).relu();
                inner = Norm($"{name}.bn2", Convolve($"{name}.conv2", inner, 1));
                hidden = inner.add(stride == 2 ? OptionA(hidden) : hidden).relu();
            }
        }

        return functional.linear(hidden.mean([2, 3]), weights["linear.weight"], weights["linear.bias"]);

        Tensor Convolve(string name, Tensor input, int stride) =>
            functional.conv2d(
                ChannelsLast.From(input), ChannelsLast.From(weights[$"{name}.weight"]), strides: [stride, stride],
                padding: [1, 1]);

        Tensor Norm(string name, Tensor input) => functional.batch_norm(
            input, weights[$"{name}.running_mean"], weights[$"{name}.running_var"], weights[$"{name}.weight"],
            weights[$"{name}.bias"]);

        // Every other pixel, and as many channels of nothing on either side as double them.
        static Tensor OptionA(Tensor input) => functional.pad(
            input[TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(step: 2), TensorIndex.Slice(step: 2)],
            [0, 0, 0, 0, input.shape[1] / 2, input.shape[1] / 2]);
    }
}
