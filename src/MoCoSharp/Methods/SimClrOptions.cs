namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of SimCLR.</summary>
/// <remarks>Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>.</remarks>
public sealed record SimClrOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>τ of the softmax, above 0; 0.1 for ImageNet in the paper, 0.5 for CIFAR-10.</summary>
    public double Temperature { get; init; } = 0.1;

    /// <summary>
    /// Whether only the embeddings of the whole batch are kept, and each BN group is passed through the encoder a second time for its gradient: memory
    /// for one group of activations instead of all, for a third more time. The same loss and gradient as without, for the same bnGroups.
    /// </summary>
    public bool GradientCache { get; init; }

    string IMethodOptions.Name => "simClr";

    /// <inheritdoc/>
    public string Describe() => $"SimCLR{(GradientCache ? ", gradient cache" : "")}";

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (Dimension < 1)
        {
            yield return $"simClr.dimension is {Dimension}, expected a number above 0. SimCLR uses 128.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"simClr.temperature is {Temperature}, expected a number above 0. SimCLR uses 0.1 for ImageNet, 0.5 for CIFAR-10.";
        }
    }
}
