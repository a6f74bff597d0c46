namespace MoCoSharp.Methods;

/// <summary>Which images a step learns from: this rank's share of the batch.</summary>
/// <param name="Indices">In the data set, stand-ins included. Shape [N / ranks].</param>
/// <param name="Labels">-1 where there is none. Shape [N / ranks].</param>
public readonly record struct StepSamples(IReadOnlyList<int> Indices, IReadOnlyList<int> Labels);
