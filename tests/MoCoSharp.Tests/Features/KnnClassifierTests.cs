using MoCoSharp.Features;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Features;

public sealed class KnnClassifierTests
{
    [Fact]
    public void Predict_MatchesTheDemosCode()
    {
        using var golden = Golden.Open("knn.safetensors");
        var labels = golden.Tensors["bank_labels"].data<long>().Select(label => (int)label).ToArray();

        var predicted = KnnClassifier.Predict(golden.Tensors["bank"], labels, golden.Tensors["queries"], classes: 5, neighbours: 20, temperature: 0.1);

        Assert.Equal(golden.Tensors["predicted"].data<long>().Select(label => (int)label), predicted);
    }

    [Fact]
    public void Predict_SumsWeightsByClass_RatherThanCounting()
    {
        using var bank = tensor(new float[,] { { 1, 0 }, { 0.6f, 0.8f }, { 0.6f, 0.8f } });
        using var query = tensor(new float[,] { { 1, 0 } });

        // One neighbour of class 0 with weight e^10, two of class 1 with e^6 each.
        Assert.Equal([0], KnnClassifier.Predict(bank, [0, 1, 1], query, classes: 2, neighbours: 3, temperature: 0.1));
    }

    [Fact]
    public void MoreNeighboursThanTheBankHas_AreRefused()
    {
        using var bank = rand(3, 2);
        Assert.Contains("bank of 3", Assert.Throws<ArgumentException>(() => KnnClassifier.Predict(bank, [0, 1, 1], bank, 2, 4, 0.1)).Message);
    }
}
