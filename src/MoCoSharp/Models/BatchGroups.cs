using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>
/// Sample i of a batch belongs to BN group i mod S. Inside an encoder the samples are sorted by group, so that each
/// group is contiguous and no layer copies. The batch is sorted once at the start and restored once at the end.
/// </summary>
internal static class BatchGroups
{
    /// <summary>Sorts images by group.</summary>
    /// <param name="images">In batch order. Shape [N, C, H, W].</param>
    /// <param name="groups">S, a divisor of N.</param>
    /// <returns>The same shape, channels last.</returns>
    public static Tensor Gather(Tensor images, int groups)
    {
        Check(images, groups);
        using var scope = NewDisposeScope();
        var pixels = images.permute(0, 2, 3, 1); // [N, H, W, C]
        return pixels
            .unflatten(0, [-1, groups])
            .transpose(0, 1)
            .reshape(pixels.shape)
            .permute(0, 3, 1, 2)
            .MoveToOuterDisposeScope();
    }

    /// <summary>Restores the batch order of rows that are sorted by group.</summary>
    /// <param name="rows">Shape [N, D].</param>
    /// <param name="groups">S.</param>
    public static Tensor Scatter(Tensor rows, int groups)
    {
        using var scope = NewDisposeScope();
        return rows.unflatten(0, [groups, -1]).transpose(0, 1).reshape(rows.shape).MoveToOuterDisposeScope();
    }

    /// <exception cref="ArgumentException">The batch is not a multiple of the groups.</exception>
    public static void Check(Tensor input, int groups)
    {
        if (input.shape is not [var count, _, ..] || count % groups != 0)
        {
            throw new ArgumentException(
                $"Input of shape [{string.Join(", ", input.shape)}] does not divide into {groups} groups: expected " +
                $"[N, C, H, W] with N a multiple of {groups}.",
                nameof(input));
        }
    }
}
