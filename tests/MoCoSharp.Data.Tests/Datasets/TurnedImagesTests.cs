using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Tests.Images;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class TurnedImagesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Count_PhotosWithOrientation_AreCountedAmongJpegs()
    {
        var upright = GoldenImages.BytesOf("rgb-420.jpg");
        temp.Write("a.jpg", upright);
        temp.Write("b.jpg", [0xFF, 0xD8, .. Exif(6), .. upright[2..]]);
        temp.Write("c.jpg", [0xFF, 0xD8, .. Exif(1), .. upright[2..]]);
        temp.WriteImage("d.png");

        Assert.Equal((3, 1), TurnedImages.Count(ImageFolder.Open(temp.Path)));
    }

    // One entry of a little-endian TIFF: tag 0x112, a short, once.
    private static byte[] Exif(byte orientation) =>
        [
            0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation,
            0, 0, 0, 0, 0, 0, 0,
        ];
}
