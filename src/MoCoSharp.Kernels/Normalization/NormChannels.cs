namespace MoCoSharp.Kernels;

/// <summary>Mean and scale of a batch normalization, for each group and channel.</summary>
/// <param name="Groups">S.</param>
/// <param name="Mean">S x C values.</param>
/// <param name="Scale">weight / deviation. S x C values.</param>
internal sealed record NormChannels(int Groups, float[] Mean, float[] Scale);
