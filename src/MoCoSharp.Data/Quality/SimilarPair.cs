namespace MoCoSharp.Data.Quality;

/// <summary>Two images with similar features.</summary>
/// <param name="First">Index of an image in its data set.</param>
/// <param name="Second">Index of the other image in its data set.</param>
/// <param name="Similarity">The cosine of their features, -1 to 1.</param>
public readonly record struct SimilarPair(int First, int Second, float Similarity);
