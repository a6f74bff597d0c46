using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// The transforms of a 3x3 convolution by Winograd's algorithm. After them, each place of a tile is one matrix product.
/// </summary>
internal interface IWinogradTiles
{
    /// <summary>Places of a tile: values of the input that give a square of the output.</summary>
    static abstract int Places { get; }

    /// <summary>Side of a square of the output, in pixels.</summary>
    static abstract int Square { get; }

    /// <summary>Bᵀ d B of every tile d of images padded by 1.</summary>
    /// <param name="images">Channels last; channels a multiple of 16. Shape [N, C, H, W].</param>
    /// <param name="tiles">Written. Shape [places, tiles, C].</param>
    static abstract void OfInput(Tensor images, Tensor tiles);

    /// <summary>A y Aᵀ of every square y of the gradient of an output.</summary>
    /// <param name="gradient">As the images of <see cref="OfInput"/>.</param>
    /// <param name="tiles">Written. Shape [places, tiles, C].</param>
    static abstract void OfOutputGradient(Tensor gradient, Tensor tiles);

    /// <summary>Writes Aᵀ m A of every tile m of products: the output.</summary>
    /// <param name="tiles">Shape [places, tiles, C].</param>
    /// <param name="output">Written. Channels last. Shape [N, C, H, W].</param>
    static abstract void ToOutput(Tensor tiles, Tensor output);

    /// <summary>G g Gᵀ of every kernel g.</summary>
    /// <param name="kernel">I a multiple of 16. Shape [O, I, 3, 3].</param>
    /// <param name="turned">Whether each is first turned by 180 degrees, as for the gradient of the input.</param>
    /// <param name="tiles">Written. Shape [places, O, I].</param>
    static abstract void OfKernel(Tensor kernel, bool turned, Tensor tiles);

    /// <summary>Gᵀ u G of every tile u of a kernel's gradient.</summary>
    /// <param name="tiles">Shape [places, O, I].</param>
    /// <returns>Shape [O, I, 3, 3], channels last.</returns>
    static abstract Tensor ToWeightGradient(Tensor tiles);

    /// <summary>Squares along a side of an image. The last one may reach over the edge.</summary>
    static long Along(long side, int square) => (side + square - 1) / square;
}
