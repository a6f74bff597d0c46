using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Cli.Tests.Report;

public sealed class HtmlPageTests
{
    [Theory]
    [InlineData("<script>alert(1)</script>.jpg", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;.jpg</bdi>")]
    [InlineData("a\"b'.png", "<bdi>a&quot;b&#39;.png</bdi>")]
    [InlineData("two\nlines.png", "<bdi>two\\u000alines.png</bdi>")]
    [InlineData("\u202egnp.exe", "<bdi>\\u202egnp.exe</bdi>")] // a mark that turns the letters after it around
    public void NamesOfImages_ShowAsText(string name, string markup) => Assert.Equal(markup, HtmlText.Name(name));

    [Fact]
    public void APage_AllowsItsOwnScriptsAlone()
    {
        var page = new HtmlPage("<Photos> & \"more\"");
        page.Add("<p>shown</p>");
        page.AddScript("let a = 1;");

        var text = page.ToString();

        Assert.Contains("<h1>&lt;Photos&gt; &amp; &quot;more&quot;</h1>", text, StringComparison.Ordinal);
        Assert.Contains("<p>shown</p>", text, StringComparison.Ordinal);
        // echo -n 'let a = 1;' | openssl dgst -sha256 -binary | base64
        Assert.Contains(
            "script-src 'sha256-xY6QKfH9PRsQnLz56nj6MBwiK5oHg+im1Jkpdp1x/Ck='", text, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", text, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", text, StringComparison.Ordinal);
    }

    [Fact]
    public void AScriptThatWouldEnd_IsRefused() => Assert.Throws<ArgumentException>(
        () => new HtmlPage("page").AddScript("let name = '</script><script>alert(1)'"));

    [Fact]
    public void AThumbnail_KeepsTheShapeOfItsImage()
    {
        using var image = new ImageBuffer(400, 100, new byte[3 * 400 * 100]);

        var uri = Thumbnail.DataUri(image, side: 96);

        Assert.StartsWith("data:image/jpeg;base64,", uri, StringComparison.Ordinal);
        using var small = ImageDecoder.Decode(
            Convert.FromBase64String(uri[(uri.IndexOf(',', StringComparison.Ordinal) + 1)..]), "thumbnail");
        Assert.Equal((96, 24), (small.Width, small.Height));
    }
}
