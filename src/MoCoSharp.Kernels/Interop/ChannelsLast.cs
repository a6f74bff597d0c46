using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// The layout that convolutions read fastest: shape [N, C, H, W], with the channels of a pixel side by side.
/// </summary>
/// <remarks>Operations keep the layout, so it is chosen once, where images come in.</remarks>
public static class ChannelsLast
{
    /// <summary>The same images, channels last; no copy where they are so already.</summary>
    /// <param name="images">Shape [N, C, H, W].</param>
    public static Tensor Of(Tensor images)
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
    /// Lays the convolution weights of a module out in this way, in place: gradients, velocities and updates follow.
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
                weight.set_(Of(weight));
            }
        }
    }
}
