using System.Text.Json.Serialization;
using MoCoSharp.Data;

namespace MoCoSharp.Features;

/// <summary>How the kNN monitor judges: labels by the nearest training images.</summary>
public sealed record KnnOptions
{
    /// <summary>Every so many epochs; 0 is never.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>k, above 0; 200 in the CIFAR demo.</summary>
    [JsonPropertyName("neighbours")]
    public int Neighbors { get; init; } = 200;

    /// <summary>Of the weights exp(similarity / temperature), above 0; 0.1 in the CIFAR demo.</summary>
    public double Temperature { get; init; } = 0.1;

    /// <summary>Pooled features, as in most evaluations, or the head's output, as in the CIFAR demo.</summary>
    public FeatureLayer Layer { get; init; } = FeatureLayer.Pooled;

    /// <summary>The names of the published protocols.</summary>
    public static IReadOnlyList<string> Protocols => KnnProtocol.Names;

    /// <summary>The settings of a published protocol.</summary>
    /// <param name="name">
    /// "demo": MoCo's CIFAR demo, k 200, T 0.1; "instdisc": Wu et al. 2018,
    /// <see href="https://arxiv.org/abs/1805.01978"/>, k 200, T 0.07. Both use the head's output.
    /// </param>
    /// <exception cref="ArgumentException">There is no such protocol.</exception>
    public static KnnOptions ForProtocol(string name) => KnnProtocol.Named(name);

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (EveryEpochs < 0)
        {
            yield return $"knn.everyEpochs is {EveryEpochs}, expected 0 (never) or more.";
        }

        if (Neighbors < 1)
        {
            yield return $"knn.neighbours is {Neighbors}, expected a number above 0. The CIFAR demo uses 200.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"knn.temperature is {Temperature}, expected a number above 0. The CIFAR demo uses 0.1.";
        }

        if (EnumNames.Fault("knn.layer", Layer) is { } layer)
        {
            yield return layer;
        }
    }
}
