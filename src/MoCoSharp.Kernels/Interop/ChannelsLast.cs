using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// The layout that convolutions read fastest: shape [N, C, H, W], with the channels of a pixel side by side.
/// </summary>
/// <remarks>Operations keep the layout, so it is set once, on the input images.</remarks>
internal static class ChannelsLast
{
    /// <summary>The same images, channels last. No copy if they already are.</summary>
    /// <param name="images">Shape [N, C, H, W].</param>
    public static Tensor From(Tensor images)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        return images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Some images of a batch, channels last, in one copy.</summary>
    /// <param name="images">Shape [N, C, H, W], channels last.</param>
    /// <param name="rows">Shape [M], int64.</param>
    /// <returns>Shape [M, C, H, W].</returns>
    public static Tensor Select(Tensor images, Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        return images.permute(0, 2, 3, 1).index_select(0, rows).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Converts the convolution weights of a module to this layout, in place. Their gradients and velocities follow.
    /// </summary>
    public static void Apply(nn.Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        using var noGrad = no_grad();
        foreach (var weight in module.parameters())
        {
            using var scope = NewDisposeScope();
            if (weight.dim() == 4)
            {
                weight.set_(From(weight));
            }
        }
    }
}
