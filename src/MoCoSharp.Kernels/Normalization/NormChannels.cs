namespace MoCoSharp.Kernels;

/// <summary>What a batch normalization subtracts from each channel of each group, and multiplies the rest by.</summary>
/// <param name="Groups">S.</param>
/// <param name="Mean">S x C values.</param>
/// <param name="Scale">weight / deviation. S x C values.</param>
internal sealed record NormChannels(int Groups, float[] Mean, float[] Scale);
