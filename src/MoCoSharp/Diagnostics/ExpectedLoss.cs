namespace MoCoSharp.Diagnostics;

/// <summary>Reference values for the contrastive loss.</summary>
internal static class ExpectedLoss
{
    /// <summary>ln(1 + K): the loss of features that hold no information.</summary>
    /// <param name="queueSize">K, above 0.</param>
    public static double Chance(long queueSize) => Math.Log(1 + queueSize);

    /// <summary>
    /// The loss at a positive similarity if the K negatives have random directions. Their exponentials then sum to K
    /// exp(1 / (2 C τ²)).
    /// </summary>
    /// <param name="positive">s⁺, the cosine of query and key.</param>
    /// <param name="queueSize">K.</param>
    /// <param name="dimension">C: the cosine of random directions has variance 1 / C.</param>
    /// <param name="temperature">τ.</param>
    public static double Random(double positive, long queueSize, int dimension, double temperature)
    {
        var negatives = Math.Log(queueSize) + (1 / (2 * dimension * temperature * temperature));
        var own = positive / temperature;
        return Math.Max(own, negatives) + Math.Log(1 + Math.Exp(-Math.Abs(own - negatives))) - own;
    }
}
