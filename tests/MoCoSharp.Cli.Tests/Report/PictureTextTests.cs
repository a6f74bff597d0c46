using MoCoSharp.Data.Images;

namespace MoCoSharp.Cli.Tests.Report;

public sealed class PictureTextTests
{
    private static readonly (byte, byte, byte) Black = (0, 0, 0);

    [Fact]
    public void SmallAndCapitalLetters_AreDifferent()
    {
        Assert.NotEqual(Drawn("a"), Drawn("A"));
        Assert.True(PictureText.Width("wide", 13) > PictureText.Width("i", 13));
        Assert.Equal(0, PictureText.Width("", 13));
    }

    [Theory]
    [InlineData("\u00e9")] // e with an acute accent
    [InlineData("\u03bb")] // lambda
    [InlineData("\u0436")] // zhe
    [InlineData("\u05e9")] // shin
    public void LettersOfTheFont_AreNoBoxes(string letter)
    {
        Assert.NotEqual(Drawn("\u25a1"), Drawn(letter));
        Assert.NotEqual(Drawn(" "), Drawn(letter));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\u202e")] // turns the letters after it around
    public void WhatIsNoLetter_IsABox(string text) => Assert.Equal(Drawn("a\u25a1b"), Drawn($"a{text}b"));

    [Fact]
    public void Hebrew_IsDrawnFromRightToLeft()
    {
        using var both = Paper();
        using var swapped = Paper();
        PictureText.Draw(both, 2, 2, "\u05d0\u05e9", Black, 20);
        PictureText.Draw(swapped, 2, 2, "\u05e9", Black, 20); // the last letter stands on the left
        var width = PictureText.Width("\u05e9", 20);

        Assert.All(Enumerable.Range(0, 40 * width), at =>
            Assert.Equal(At(swapped, at % width, at / width), At(both, at % width, at / width)));
    }

    [Fact]
    public void ATextThatIsTooLong_KeepsItsBeginningAndItsEnd()
    {
        var cut = PictureText.Cut("a-long-name-of-an-image-00017.jpg", 112, 11);

        Assert.StartsWith("a-long", cut);
        Assert.EndsWith("17.jpg", cut);
        Assert.Contains("\u2026", cut);
        Assert.InRange(PictureText.Width(cut, 11), 90, 112);
        Assert.Equal("short.jpg", PictureText.Cut("short.jpg", 112, 11));
        Assert.Empty(PictureText.Cut("m", 2, 11));
    }

    [Fact]
    public void TextUpward_IsTheTextTurned()
    {
        using var flat = Paper();
        using var turned = Paper();
        PictureText.Draw(flat, 0, 0, "Lj", Black, 20);
        PictureText.Draw(turned, 0, 59, "Lj", Black, 20, upward: true);

        Assert.All(Enumerable.Range(0, 40 * 40), at =>
            Assert.Equal(At(flat, at % 40, at / 40), At(turned, at / 40, 59 - (at % 40))));
    }

    [Fact]
    public void TextOutsideTheImage_IsClipped()
    {
        using var image = Paper();

        PictureText.Draw(image, -20, -5, "wide text", Black, 20);
        PictureText.Draw(image, 110, 55, "wide text", Black, 20);

        Assert.Contains((byte)0, image.Pixels);
    }

    private static byte[] Drawn(string text)
    {
        using var image = Paper();
        PictureText.Draw(image, 2, 2, text, Black, 20);
        return image.Pixels;
    }

    private static ImageBuffer Paper()
    {
        var pixels = new byte[3 * 120 * 60];
        pixels.AsSpan().Fill(255);
        return new ImageBuffer(120, 60, pixels);
    }

    private static int At(ImageBuffer image, int x, int y) => image.Pixels[3 * ((y * image.Width) + x)];
}
