namespace MoCoSharp.Methods;

/// <summary>Training on labels: the first row of the paper's tables.</summary>
public sealed record SupervisedOptions : IMethodOptions
{
    /// <summary>Classes that the head tells apart; 0 takes those of the data, and config.json keeps their number.</summary>
    public int Classes { get; init; }

    string IMethodOptions.Name => "supervised";

    int IMethodOptions.Dimension => Math.Max(1, Classes);

    int IMethodOptions.Views => 1;

    /// <inheritdoc/>
    public string Describe() => $"supervised, {Classes} classes";

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (Classes is < 0 or 1 or > 1_000_000)
        {
            yield return $"supervised.classes is {Classes}, expected 2 or more, or 0 for those of the data.";
        }
    }
}
