using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.Pictures;

namespace MoCoSharp.Cli.Tests.Report;

public sealed class NeighborPicturesTests
{
    [Fact]
    public void AGallery_ShowsNamesAsText_AndImagesThatAreGone()
    {
        var images = new NamedImages("<script>alert(1)</script>.jpg", "a\"b.png", "\u05d0\u202e.png");
        var gallery = new Gallery("Similar <images>");
        gallery.Say("2 queries & more: `moco search <run>`");
        gallery.Add(
            images.NameOf(0), [new(images, 0, ""), new(images, 1, "0.93"), new(images, 2, "0.50")],
            note: "Look.", marksFirst: true);

        var page = gallery.ToString();

        Assert.DoesNotContain("<script>alert", page);
        Assert.Contains("<h2><bdi>&lt;script&gt;alert(1)&lt;/script&gt;.jpg</bdi></h2>", page);
        Assert.Contains("<p class=\"quiet\">Look.</p>", page);
        Assert.Contains("alt=\"a&quot;b.png\"", page);
        Assert.Contains("<strong>0.93</strong><bdi>a&quot;b.png</bdi>", page);
        Assert.Contains("\\u202e", page);
        Assert.Contains("cannot be read", page);
        Assert.Contains("<p>2 queries &amp; more: <code>moco search &lt;run&gt;</code></p>", page);
        Assert.Contains("script-src 'none'", page);
        Assert.Equal(2, page.Split("data:image/jpeg;base64,").Length - 1);
        Assert.Single(page.Split("<figure class=\"first\">")[1..]);
    }

    [Fact]
    public void AContactSheet_PlacesEachImageInTheMiddleOfItsTile()
    {
        using var gray = Plain(300, 150, 100);
        using var dark = Plain(50, 50, 20);
        TileRow[] rows =
        [
            new(new Tile("query.png", "", gray), [new Tile("first.png", "0.93", dark), new Tile("gone", "0.1", null)]),
            new(new Tile("other.png", "", dark), []),
        ];

        using var sheet = ContactSheet.Draw("Similar images", rows);

        // 10 + 112 + 30 + 2 * (112 + 10) = 396 wide. Lines of 18, 13 and 11 pixels are 22, 16 and 13 high:
        // 10 + 22 + 3 + 16 + 10 = 61 and a gap of 10 above, then two rows of 112 + 35 + 20, and 10 below.
        Assert.Equal((396, 405), (sheet.Width, sheet.Height));
        Assert.Equal(100, At(sheet, 10 + 56, 71 + 56)); // the middle of the first tile
        Assert.Equal(255, At(sheet, 10 + 56, 71 + 20)); // above an image that is 112 x 56
        Assert.Equal(31, At(sheet, 10 + 112 + 15, 71 + 56)); // the line between the query and its neighbors
        Assert.Equal(20, At(sheet, 152 + 6, 71 + 56)); // an image of 50 x 50, enlarged twice
        Assert.Equal(255, At(sheet, 152 + 5, 71 + 56));
        Assert.Equal((20, 255), (At(sheet, 152 + 105, 71 + 105), At(sheet, 152 + 106, 71 + 106)));
        Assert.Equal(20, At(sheet, 10 + 56, 71 + 167 + 56));
        Assert.Equal(232, At(sheet, 274 + 2, 71 + 2)); // an image that is gone
        Assert.Contains(Enumerable.Range(274, 112), x => At(sheet, x, 71 + 56) < 200); // "cannot be read"
    }

    private static ImageBuffer Plain(int width, int height, byte value)
    {
        var pixels = new byte[3 * width * height];
        pixels.AsSpan().Fill(value);
        return new ImageBuffer(width, height, pixels);
    }

    private static int At(ImageBuffer image, int x, int y) => image.AsSpan()[3 * ((y * image.Width) + x)];

    // Gray images; the last cannot be read.
    private sealed class NamedImages(params string[] names) : IImageDataset
    {
        public int Count => names.Length;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "names";

        public LabeledImage Read(int index) => index < names.Length - 1
            ? new(Plain(40, 20, 200), -1)
            : throw new BrokenImageException("gone");

        public int LabelOf(int index) => -1;

        public string NameOf(int index) => names[index];
    }
}
