using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Views;

public sealed class KernelBlurTests
{
    [Theory]
    [InlineData(224, 23)] // a tenth is 22, half of it on each side
    [InlineData(96, 9)]
    [InlineData(32, 3)]
    [InlineData(16, 1)]
    public void TheKernel_IsATenthOfTheSide(int size, int kernel) => Assert.Equal(kernel, KernelBlur.KernelOf(size));

    [Theory]
    [InlineData(5, 4, 3, 0.7)]
    [InlineData(13, 9, 9, 2)]
    [InlineData(40, 20, 23, 1.3)]
    [InlineData(2, 3, 9, 2)] // smaller than the kernel
    [InlineData(1, 1, 3, 1)]
    public void ABlur_MatchesANaiveSumInDoublePrecision(int width, int height, int kernel, double sigma)
    {
        var random = new Random(1);
        var pixels = new byte[3 * width * height];
        random.NextBytes(pixels);
        using var canvas = new ViewCanvas(new ImageBuffer(width, height, pixels));

        new KernelBlur(kernel, 0.1, 2, 0.5).Apply(canvas, new GaussianBlurDraw(true, sigma));

        var radius = kernel / 2;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var c = 0; c < 3; c++)
                {
                    var (sum, total) = (0.0, 0.0);
                    for (var dy = -radius; dy <= radius; dy++)
                    {
                        for (var dx = -radius; dx <= radius; dx++)
                        {
                            var weight = Math.Exp(-((dx * dx) + (dy * dy)) / (2 * sigma * sigma));
                            sum +=
                                weight
                                * pixels[(3 * ((Mirrored(y + dy, height) * width) + Mirrored(x + dx, width))) + c];
                            total += weight;
                        }
                    }

                    Assert.Equal(sum / total, canvas.Pixels[(3 * ((y * width) + x)) + c], 0.501);
                }
            }
        }

        static int Mirrored(int i, int size)
        {
            while (size > 1 && (i < 0 || i >= size))
            {
                i = i < 0 ? -i : (2 * (size - 1)) - i;
            }

            return size == 1 ? 0 : i;
        }
    }

    [Fact]
    public void AnEvenKernel_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new KernelBlur(4, 0.1, 2, 0.5));
}
