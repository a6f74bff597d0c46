namespace MoCoSharp.Methods;

/// <summary>The images of a step: this rank's share of the batch.</summary>
/// <param name="Indices">
/// Indices in the data set; includes the replacements of unreadable images. Shape [N / ranks].
/// </param>
/// <param name="Labels">Labels; -1 for none. Shape [N / ranks].</param>
internal readonly record struct StepSamples(IReadOnlyList<int> Indices, IReadOnlyList<int> Labels);
