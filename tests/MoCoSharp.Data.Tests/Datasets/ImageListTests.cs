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

    [Theory]
    [InlineData("my images/a.png 0\nmy images/b c.png 1\n", "the last space")]
    [InlineData("my images/a.png,0\nmy images/b c.png,1\n", "commas separate")]
    [InlineData("path,label\r\nmy images/a.png,0\r\n\"my images/b c.png\",1\r\n", "commas separate")]
    [InlineData("\uFEFF,filename,width,class\n0,my images/a.png,640,0\n1,my images/b c.png,640,1\n", "commas separate")]
    [InlineData("label;file\n0;my images/a.png\n1;my images/b c.png\n", "semicolons separate")]
    [InlineData("0,my images/a.png\n1,my images/b c.png\n", "commas separate")]
    [InlineData("path\tlabel\nmy images/a.png\t0\nmy images/b c.png\t1\n", "")]
    [InlineData("my images\\a.png\t0\nmy images\\b c.png\t1\n", "")]
    [InlineData("my images/a.png \t0\n ./my images/b c.png\t1 \n", "")]
    public void ImageList_PartedOtherwise_IsReadAndToldWhereItLeadsToFiles(string text, string manner)
    {
        temp.WriteImage("my images/a.png", 10);
        temp.WriteImage("my images/b c.png", 20);

        var set = ImageList.Open(temp.Write("list.csv", text));

        Assert.Equal(["0", "1"], set.ClassNames);
        Assert.Equal([0, 1], Enumerable.Range(0, set.Count).Select(set.LabelOf));
        Assert.Equal([10, 20], Enumerable.Range(0, set.Count).Select(i => set.Read(i).Image.Pixels[0]));
        Assert.Equal(manner.Length > 0, set.Notices.Count == 1);
        Assert.All(set.Notices, notice => Assert.Contains(manner, notice.Text));
    }

    [Fact]
    public void ImageList_FilesWithSpacesAndCommasInTheirNames_AreFiles()
    {
        temp.WriteImage("a 1.png");
        temp.WriteImage("b,2.png");

        var set = ImageList.Open(temp.Write("list.txt", "a 1.png\nb,2.png\n"));

        Assert.Equal(["a 1.png", "b,2.png"], Enumerable.Range(0, set.Count).Select(set.NameOf));
        Assert.Empty(set.ClassNames);
    }

    [Fact]
    public void ImageList_AbsolutePaths_AreTakenAsTheyAre()
    {
        var image = temp.WriteImage("a.png", 10);

        Assert.Equal(10, ImageList.Open(temp.Write("lists/list.txt", image + "\n")).Read(0).Image.Pixels[0]);
    }

    [Fact]
    public void ImageList_SpellingsOfOneNumber_AreOneClassAndTold()
    {
        temp.WriteImage("a.png");

        var set = ImageList.Open(temp.Write("list.txt", "a.png\t07\nb.png\t7\nc.png\t10\nd.png\t7.0\n"));

        Assert.Equal(["7", "10"], set.ClassNames);
        Assert.Equal([0, 0, 1, 0], Enumerable.Range(0, set.Count).Select(set.LabelOf));
        Assert.Contains("\"07\" and \"7\" and \"7.0\" are one class", Assert.Single(set.Notices).Text);
    }

    [Fact]
    public void ImageList_FileNamedAgain_IsAWarningThatTellsAContradiction()
    {
        temp.WriteImage("a.png");
        temp.WriteImage("b.png");

        var set = ImageList.Open(temp.Write("list.txt", "a.png\t0\n./a.png\t1\nb.png\t1\nb.png\t1\n"));

        Assert.Equal(4, set.Count);
        Assert.All(set.Notices, notice => Assert.True(notice.IsWarning));
        Assert.Contains(
            "1 file named again with another class, and used with both: ./a.png in lines 1 and 2",
            set.Notices[0].Text);
        Assert.Contains("1 file named again, and used again: b.png in lines 3 and 4", set.Notices[1].Text);
    }

    [Fact]
    public void ImageList_ThatLeadsNowhere_SaysWhereItLooked()
    {
        var notice = Assert.Single(ImageList.Open(temp.Write("list.txt", "n01/a.JPEG 0\nn01/b.JPEG 1\n")).Notices);

        Assert.True(notice.IsWarning);
        Assert.Contains(Path.Combine(temp.Path, "n01/a.JPEG 0"), notice.Text);
        Assert.Contains("tab", notice.Text);
    }

    [Theory]
    [InlineData("https://example.org/a.png\n", "web address")]
    [InlineData("a.png,\"b\na.png,1\n", "quotation mark")]
    public void ImageList_LineThatCannotBeMeant_IsRefusedByNumber(string text, string told)
    {
        temp.WriteImage("a.png");

        var message = Assert.Throws<DataSourceException>(() => ImageList.Open(temp.Write("list.txt", text))).Message;

        Assert.Contains("line 1", message);
        Assert.Contains(told, message);
    }

    [Fact]
    public void ImageList_NotInUtf8_IsRefusedForThat() =>
        Assert.Contains(
            "UTF-8",
            Assert
                .Throws<DataSourceException>(() =>
                    ImageList.Open(temp.Write("list.txt", (byte)'f', 0xFC, (byte)'r', (byte)'\n')))
                .Message);

    [Fact]
    public void ImageList_WithoutClasses_HasNoLabels() =>
        Assert.Equal(-1, ImageList.Open(temp.Write("list.txt", "a.png\nb.png")).LabelOf(1));

    [Fact]
    public void ImageList_NamesSeveralFaultyLinesAtOnce()
    {
        var message = Assert
            .Throws<DataSourceException>(() =>
                ImageList.Open(temp.Write("list.txt", "a.png\tx\nb\tc\td\n\tx\nc.png\t-3\nd.png\n")))
            .Message;

        Assert.All(new[] { "line 2", "line 3", "line 4", "line 5" }, line => Assert.Contains(line, message));
    }

    [Fact]
    public void ImageList_NamesTheFirstTenFaultsAndCountsTheRest()
    {
        var message = Assert
            .Throws<DataSourceException>(() =>
                ImageList.Open(
                    temp.Write("list.txt", string.Join('\n', Enumerable.Repeat("\t", 15).Select(tab => "a" + tab)))))
            .Message;

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
        const string Letters = "a/.\t\t\n\n\r#-01\0é \",;";
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
