using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Tests.Methods;

// The worked example of CONTRIBUTING.md: a method in one file.
public sealed record DclOptions : IMethodOptions
{
    public int Dimension { get; init; } = 128;

    /// <summary>Softmax temperature, above 0.</summary>
    public double Temperature { get; init; } = 0.1;

    string IMethodOptions.Name => "dcl";

    public PretrainMethod Create(MethodBuild build) => new Dcl(build, this);

    public string Describe() => $"decoupled contrastive learning, temperature {Temperature}";

    public IEnumerable<string> Validate()
    {
        if (!(Temperature > 0))
        {
            yield return $"dcl.temperature is {Temperature}, expected a number above 0. The paper uses 0.1.";
        }
    }
}

/// <summary>SimCLR whose softmax leaves the positive out of the denominator: Yeh et al. 2022, equation 6.</summary>
internal sealed class Dcl : PretrainMethod
{
    private readonly Encoder encoder;
    private readonly double _temperature;

    public Dcl(MethodBuild build, DclOptions options)
        : base(nameof(Dcl))
    {
        using var random = new Generator((ulong)build.Seed);
        encoder = new Encoder(build.Encoder, options.Dimension, build.BnGroups / build.Group.Size, random);
        _temperature = options.Temperature;
        RegisterComponents();
    }

    public override Encoder Encoder => encoder;

    public override Precision Precision { get => encoder.Precision; set => encoder.Precision = value; }

    public override IReadOnlyList<(string Name, Parameter Parameter)> LearnedParameters =>
        [.. encoder.named_parameters().Select(item => ($"{nameof(encoder)}.{item.name}", item.parameter))];

    public override StepOutput forward(Tensor queryViews, Tensor keyViews)
    {
        using var scope = NewDisposeScope();
        var count = queryViews.shape[0];
        var embeddings = functional.normalize(encoder.call(cat([queryViews, keyViews])), dim: 1); // [2N, C]
        var similarities = embeddings.mm(embeddings.t()) / _temperature; // [2N, 2N]
        var partners = similarities.roll(count, 1).diagonal(); // [2N]
        var others = ones_like(similarities, ScalarType.Bool) // neither a view itself nor its partner
            .logical_and(eye(2 * count, dtype: ScalarType.Bool).logical_not())
            .logical_and(eye(2 * count, dtype: ScalarType.Bool).roll(count, 1).logical_not());
        var loss = (
            similarities.masked_fill(others.logical_not(), double.NegativeInfinity).logsumexp(1) - partners
        ).mean();
        return new(
            loss.MoveToOuterDisposeScope(),
            embeddings.narrow(0, count, count).detach().MoveToOuterDisposeScope(),
            null);
    }
}
