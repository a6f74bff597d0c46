using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// The cost of a forward pass: the arithmetic operations of convolutions and linear layers. Other layers are bound by
/// memory bandwidth and not counted.
/// </summary>
internal static class EncoderCost
{
    /// <summary>Operations for one image; a multiplication and an addition count as two.</summary>
    /// <param name="encoder">Runs once on an empty image in evaluation mode; its mode is restored.</param>
    /// <param name="size">H and W of the images, in pixels.</param>
    public static long Operations(Encoder encoder, int size)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long operations = 0;
        var hooks = encoder
            .modules()
            .Where(module => module is Convolution or Projection)
            .Cast<Module<Tensor, Tensor>>()
            .Select(layer =>
                layer.register_forward_hook(
                    (_, _, output) =>
        {
            var weight = layer.get_parameter("weight")!;
            // Each output is a sum of numel / outputs products.
            operations += 2 * output.numel() * (weight.numel() / weight.shape[0]);
            return output;
        })).ToList();
        var wasTraining = encoder.training;
        encoder.eval();
        try
        {
            var weights = encoder.parameters().First();
            encoder.call(zeros([1, 3, size, size], dtype: weights.dtype, device: weights.device));
        }
        finally
        {
            hooks.ForEach(hook => hook.remove());
            encoder.train(wasTraining);
        }

        return operations;
    }
}
