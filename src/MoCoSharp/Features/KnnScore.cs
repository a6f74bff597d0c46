namespace MoCoSharp.Features;

/// <summary>Which queries a kNN classifier labels correctly.</summary>
/// <param name="Name">What was classified, such as "raw pixels".</param>
/// <param name="Queries">The index of each query in its data set, ascending. Length Q.</param>
/// <param name="Right">Whether the classifier gives the query its label. Length Q.</param>
internal sealed record KnnScore(string Name, int[] Queries, bool[] Right)
{
    /// <summary>The share of queries that are labeled correctly, 0 to 1.</summary>
    public double Accuracy => Right.Count(isRight => isRight) / (double)Right.Length;

    /// <summary>95 % confidence interval of <see cref="Accuracy"/>: Wilson's score interval.</summary>
    public (double Low, double High) Interval => WilsonInterval.Of(Right.Count(isRight => isRight), Right.Length);
}
