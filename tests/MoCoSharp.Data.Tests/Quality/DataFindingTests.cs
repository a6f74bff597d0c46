using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Quality;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Tests.Images;

namespace MoCoSharp.Data.Tests.Quality;

public sealed class DataFindingTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("blank", 0, 64, 64)]
    [InlineData("tiny", 200, 31, 64)]
    [InlineData("shape", 200, 200, 64)]
    public void Find_AnImageWithOneFault_IsFoundForThatAlone(string key, int range, int width, int height)
    {
        Write("good.png", 64, 64, 0, 255);
        Write("bad.png", width, height, 20, 20 + range);

        var finding = Assert.Single(Find());

        Assert.Equal((key, "bad.png"), (finding.Key, finding.Images.Single().Image.Name));
        Assert.Equal($"{width} x {height} pixels", finding.Images.Single().Detail);
    }

    [Theory]
    [InlineData("dark", 0, 20)] // mean 10 of 255: 3.9 %
    [InlineData("bright", 235, 255)]
    public void Find_ADarkOrBrightImage_IsWorthALook_AndNoProblem(string key, int low, int high)
    {
        Write("good.png", 64, 64, 0, 255);
        Write("bad.png", 64, 64, low, high);

        var finding = Assert.Single(Find());

        Assert.Equal((key, false, "bad.png"), (finding.Key, finding.IsProblem, finding.Images.Single().Image.Name));
    }

    [Fact]
    public void Find_OrdinaryImages_HaveNoFinding()
    {
        Write("wide.png", 192, 64, 0, 255); // three times as long as wide
        Write("small.png", 32, 32, 0, 255);
        Write("faint.png", 64, 64, 100, 117);

        Assert.Empty(Find());
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(9, 0)]
    public void Find_AColorRangeThatCompressionMayCause_IsBlank(int range, int expected)
    {
        var image = new ImageFacts(0, "a.jpg") { Width = 64, Height = 64, Brightness = 0.5, ColorRange = range };

        Assert.Equal(expected, DataFinding.Find([image], "photos").Count);
    }

    [Fact]
    public void Find_ProblemsComeFirst_EachWithACure()
    {
        temp.Write("broken.jpg", "<html></html>");
        Write("a.png", 64, 64, 0, 255);
        File.Copy(temp["a.png"], temp["copy.png"]);
        File.Copy(GoldenImages.PathOf("rotated-by-exif.jpg"), temp["turned.jpg"]);
        var gray = new byte[3 * 64 * 64];
        gray.AsSpan(0, gray.Length / 2).Fill(250);
        temp.Write("gray.png", ImageEncoder.Png(new ImageBuffer(64, 64, gray)));

        var findings = Find();

        Assert.Equal(
            ["broken", "duplicate", "turned", "gray"],
            findings.Select(finding => finding.Key).Where(key => key != "tiny"));
        Assert.Equal("same file as a.png", findings[^3].Images.Single().Detail);
        Assert.StartsWith("is an HTML page", findings[0].Images.Single().Detail);
        Assert.Contains(
            $"`moco duplicates --data {Shell.Quote("my photos")}`",
            findings.Single(f => f.Key == "duplicate").Cure);
        Assert.All(findings, finding => Assert.EndsWith(".", finding.Cure));
    }

    private IReadOnlyList<DataFinding> Find() =>
        DataFinding.Find(ImageSurvey.Read(ImageFolder.Open(temp.Path)), "my photos");

    // A lower half of one color in an image of another: green differs a little, so that it is not gray.
    private void Write(string name, int width, int height, int low, int high)
    {
        var pixels = new byte[3 * width * height];
        for (var i = 0; i < pixels.Length; i++)
        {
            var value = i < pixels.Length / 2 ? low : high;
            pixels[i] = (byte)(i % 3 == 1 ? (low + high) / 2 : value);
        }

        temp.Write(name, ImageEncoder.Png(new ImageBuffer(width, height, pixels)));
    }
}
