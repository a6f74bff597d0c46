using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

/// <summary>Damaged files by the hundred: an image or a <see cref="BrokenImageException"/>, nothing else.</summary>
public class MutatedImageTests
{
    private const int Mutants = 200;

    [Theory]
    [InlineData("rgb-420.jpg")]
    [InlineData("rgb-progressive.jpg")]
    [InlineData("ycck.jpg")]
    [InlineData("rgb.png")]
    [InlineData("palette-alphas.png")]
    [InlineData("grey-alpha-16.png")]
    [InlineData("transparency.gif")]
    [InlineData("frames.gif")]
    [InlineData("lossless.webp")]
    [InlineData("lossy-alpha.webp")]
    [InlineData("palette.bmp")]
    [InlineData("565.bmp")]
    public void Decode_MutatedFile_GivesAnImageOrIsBroken(string file)
    {
        var whole = GoldenImages.BytesOf(file);
        var random = new Random(17);
        for (var mutant = 0; mutant < Mutants; mutant++)
        {
            var bytes = Mutate(whole, random);
            try
            {
                var image = ImageDecoder.Decode(bytes, file);
                Assert.Equal(3L * image.Width * image.Height, image.Pixels.Length);
            }
            catch (BrokenImageException error)
            {
                Assert.StartsWith($"{file}: ", error.Message, StringComparison.Ordinal);
            }
        }
    }

    // Some bytes changed, half of them in the header; sometimes a piece cut out or doubled.
    private static byte[] Mutate(byte[] whole, Random random)
    {
        var bytes = whole.ToList();
        for (var change = random.Next(1, 6); change > 0; change--)
        {
            bytes[random.Next(2) == 0 ? random.Next(Math.Min(64, bytes.Count)) : random.Next(bytes.Count)] = (byte)random.Next(256);
        }

        var (start, length) = (random.Next(bytes.Count / 2), random.Next(1, bytes.Count / 4));
        switch (random.Next(4))
        {
            case 0:
                bytes.RemoveRange(start, length);
                break;
            case 1:
                bytes.InsertRange(start, bytes.GetRange(start, length));
                break;
        }

        return [.. bytes];
    }
}
