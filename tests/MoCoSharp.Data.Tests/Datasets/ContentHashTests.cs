using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class ContentHashTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void TheSameImages_HashAlike_WhereverTheyLie()
    {
        Assert.Equal(ContentHash.Of(Photos("one", 0)), ContentHash.Of(Photos("two", 0)));
    }

    [Fact]
    public void OneOtherPixel_OtherLabel_OtherOrder_OrBrokenFile_IsOtherContent()
    {
        string[] hashes =
        [
            ContentHash.Of(Photos("same", 0)),
            ContentHash.Of(Photos("pixel", 1)),
            ContentHash.Of(Photos("label", 0, ("a/0.png", "b/0.png"))),
            ContentHash.Of(Photos("order", 0, ("a/0.png", "a/9.png"))),
            ContentHash.Of(Photos("class", 0, ("b/2.png", "c/2.png"))),
            ContentHash.Of(Photos("fewer", 0, ("b/2.png", "b/2.txt"))),
            ContentHash.Of(Photos("broken", -1)),
        ];

        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    [Fact]
    public void DecodedSets_AreHashedByTheirPixels()
    {
        Assert.Equal(ContentHash.Of(new Patterns(20, 32, 1)), ContentHash.Of(new Patterns(20, 32, 1)));
        Assert.NotEqual(ContentHash.Of(new Patterns(20, 32, 1)), ContentHash.Of(new Patterns(20, 32, 2)));
        Assert.NotEqual(ContentHash.Of(new Patterns(20, 32, 1)), ContentHash.Of(new Patterns(21, 32, 1)));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Three small images in two classes; the first has one pixel of the value given, or is no image at -1.
    private ImageFolder Photos(string name, int pixel, (string From, string To)? renamed = null)
    {
        for (var i = 0; i < 3; i++)
        {
            var relative = $"{(i == 2 ? "b" : "a")}/{i}.png";
            var path = Path.Combine(folder, name, relative == renamed?.From ? renamed.Value.To : relative);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(Path.Combine(folder, name, "b"));
            var image = new ImageBuffer(4, 3, new byte[36]);
            image.Pixels[0] = (byte)(i == 0 ? Math.Max(0, pixel) : 10 * i);
            File.WriteAllBytes(path, pixel < 0 && i == 0 ? [1, 2, 3] : ImageEncoder.Png(image));
        }

        return ImageFolder.Open(Path.Combine(folder, name));
    }
}
