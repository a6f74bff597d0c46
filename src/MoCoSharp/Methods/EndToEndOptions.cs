namespace MoCoSharp.Methods;

/// <summary>The hyper-parameters of end-to-end contrast.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, figure 2a.</remarks>
public sealed record EndToEndOptions : IMethodOptions
{
    /// <summary>Size of the embedding, C, above 0.</summary>
    public int Dimension { get; init; } = 128;

    /// <summary>τ of the softmax, above 0.</summary>
    public double Temperature { get; init; } = 0.07;

    /// <summary>Whether one encoder makes queries and keys; else keys have an encoder of their own, with its own weights, and both learn.</summary>
    public bool SharedEncoder { get; init; }

    /// <summary>Whether keys are normalised in other BN groups than their queries; the gradient goes back through the shuffle.</summary>
    public bool Shuffle { get; init; } = true;

    string IMethodOptions.Name => "endToEnd";

    string IMethodOptions.EncoderPrefix => "encoder_q.";

    string? IMethodOptions.KeyEncoderPrefix => SharedEncoder ? null : "encoder_k.";

    /// <inheritdoc/>
    public string Describe() => $"end-to-end, {(SharedEncoder ? "one encoder" : "two encoders")}";

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (Dimension < 1)
        {
            yield return $"endToEnd.dimension is {Dimension}, expected a number above 0. MoCo uses 128.";
        }

        if (!(Temperature > 0) || double.IsInfinity(Temperature))
        {
            yield return $"endToEnd.temperature is {Temperature}, expected a number above 0. MoCo v1 uses 0.07.";
        }
    }
}
