using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class ImageListTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void ImageList_ReadsPathsBelowItself_WithClassNames()
    {
        temp.WriteImage("images/a b.png", 50);
        temp.WriteImage("images/c.png", 60);
        var list = temp.Write("list.txt", "# a comment\r\nimages/c.png\tdog\r\n\r\nimages/a b.png\tcat\r\n");

        var set = ImageList.Open(list);

        Assert.Equal(["cat", "dog"], set.ClassNames);
        Assert.Equal([1, 0], [set.LabelOf(0), set.LabelOf(1)]);
        Assert.Equal(50, set.Read(1).Image.Pixels[0]);
        Assert.Equal("images/a b.png", set.NameOf(1));
    }

    [Fact]
    public void ImageList_WholeNumbersAsClasses_StandInOrderOfNumber()
    {
        var set = ImageList.Open(temp.Write("list.txt", "a.png\t10\nb.png\t9\nc.png\t0\n"));

        Assert.Equal(["0", "9", "10"], set.ClassNames);
        Assert.Equal(2, set.LabelOf(0));
    }

    [Fact]
    public void ImageList_WithoutClasses_HasNoLabels() => Assert.Equal(-1, ImageList.Open(temp.Write("list.txt", "a.png\nb.png")).LabelOf(1));

    [Fact]
    public void ImageList_NamesSeveralFaultyLinesAtOnce()
    {
        var message = Assert.Throws<DataSourceException>(() => ImageList.Open(temp.Write("list.txt", "a.png\tx\nb\tc\td\n\tx\nc.png\t-3\nd.png\n"))).Message;

        Assert.All(new[] { "line 2", "line 3", "line 4", "line 5" }, line => Assert.Contains(line, message));
    }

    [Fact]
    public void ImageList_NamesTheFirstTenFaultsAndCountsTheRest()
    {
        var message = Assert.Throws<DataSourceException>(() => ImageList.Open(temp.Write("list.txt", string.Join('\n', Enumerable.Repeat("\t", 15).Select(tab => "a" + tab))))).Message;

        Assert.Contains("line 10:", message);
        Assert.DoesNotContain("line 11:", message);
        Assert.Contains("5 more", message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("\0\0\u0001")]
    public void ImageList_ThatNamesNothing_IsRefused(string text) =>
        Assert.Throws<DataSourceException>(() => ImageList.Open(temp.Write("list.txt", text)));

    [Fact]
    public void ImageList_OfAnyBytes_OpensOrIsRefused()
    {
        var random = new Random(3);
        const string Letters = "a/.\t\t\n\n\r#-01\0é ";
        for (var i = 0; i < 500; i++)
        {
            var bytes = new byte[random.Next(60)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
            {
                bytes = [.. bytes.Select(value => (byte)Letters[value % Letters.Length])];
            }

            Fuzz.OpensOrIsRefused(() => ImageList.Open(temp.Write("list.txt", bytes)));
        }
    }
}
