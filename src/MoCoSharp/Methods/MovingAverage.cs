using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Methods;

/// <summary>Exponential moving averages of tensors.</summary>
public static class MovingAverage
{
    /// <summary>
    /// Updates average = momentum average + (1 - momentum) newest in place. Each tensor is read once, and each average
    /// is written once.
    /// </summary>
    /// <param name="averages">Updated in place.</param>
    /// <param name="newest">As many, of the same shapes, types and layouts.</param>
    /// <param name="momentum">Weight of the old average, 0 to 1.</param>
    public static void Update(IEnumerable<Tensor> averages, IEnumerable<Tensor> newest, double momentum)
    {
        ArgumentNullException.ThrowIfNull(averages);
        ArgumentNullException.ThrowIfNull(newest);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor? share = null;
        foreach (var (average, value) in averages.Zip(newest))
        {
            share ??= tensor(1 - momentum, dtype: average.dtype, device: average.device);
            average.lerp_(value, share);
        }
    }
}
