using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Detection;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Tests.Datasets;

namespace MoCoSharp.Data.Tests.Detection;

public sealed class VocSourceTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Boxes_AreCountedFromZero_AndDifficultIsKept()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 40, 30) + Object("cat", 11, 6, 20, 15, difficult: true));
        var images = Open("a");

        Assert.Equal(["cat", "dog"], images.ClassNames);
        Assert.Equal([new ObjectBox(0, 0, 40, 30, 1), new ObjectBox(10, 5, 20, 15, 0) { IsDifficult = true }], images[0].Boxes);
        Assert.Empty(images.Notices);
        Assert.Equal((40, 30), (images.Read(0).Width, images.Read(0).Height));
    }

    [Fact]
    public void ABoxOfOnePixel_IsABox()
    {
        Write("a", 40, 30, Object("dog", 7, 9, 7, 9));

        Assert.Equal([new ObjectBox(6, 8, 7, 9, 0)], Open("a")[0].Boxes);
    }

    [Fact]
    public void BoxesWithoutAreaOrOutsideOrOfNoNumber_AreTold_AndDropped_AndThoseThatLeaveTheImageAreCut()
    {
        Write("a", 40, 30, Object("dog", 20, 5, 10, 9) + Object("dog", 50, 5, 60, 9) + Object("dog", 5, 5, "nan", 9) + Object("dog", 5, 5, "1e999", 9) + Object("dog", 30, 20, 90, 90));
        var images = Open("a");

        Assert.Equal([new ObjectBox(29, 19, 40, 30, 0)], images[0].Boxes);
        Assert.Equal(4, images.Notices.Count);
        Assert.Contains(images.Notices, notice => notice.Contains("1 boxes without area were dropped: a dog of a"));
        Assert.Contains(images.Notices, notice => notice.Contains("2 boxes whose corners are no numbers"));
    }

    [Fact]
    public void AnImageWithoutBoxes_IsThere_AndTakesNoPartInTraining()
    {
        Write("a", 40, 30, "");
        Write("b", 40, 30, Object("dog", 1, 1, 9, 9));
        var images = Open("a", "b");

        Assert.Equal((2, 0), (images.Count, images[0].Boxes.Count));
        Assert.Equal("b", images.WithObjects()[0].Name);
        Assert.Contains("1 images without boxes take no part", images.WithObjects().Notices.Single());
    }

    [Fact]
    public void AnImageOfAnotherSizeThanItsAnnotationSays_IsRefusedWhenRead()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9), said: (41, 30));

        Assert.Contains("is 40 x 30 pixels, and its annotation says 41 x 30", Assert.Throws<BrokenImageException>(() => Open("a").Read(0)).Message);
    }

    [Fact]
    public void ASizeThatIsNotSaid_IsTheImages()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9), said: (0, 0));

        Assert.Equal((40, 30), (Open("a")[0].Width, Open("a")[0].Height));
    }

    [Fact]
    public void CornersOfAPart_AreNotTheObjects()
    {
        var part = "<part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>";
        Write("a", 40, 30, Object("person", 1, 1, 20, 20).Replace("</object>", part + "</object>", StringComparison.Ordinal));

        Assert.Equal([new ObjectBox(0, 0, 20, 20, 0)], Open("a")[0].Boxes);
        Assert.Equal(["person"], Open("a").ClassNames);
    }

    [Theory]
    [InlineData("<annotation><object>")]
    [InlineData("")]
    [InlineData("not xml")]
    [InlineData("<html><body/></html>")]
    [InlineData("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><annotation><object><name>&x;</name></object></annotation>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b \"aaaaaaaa\"><!ENTITY c \"&b;&b;&b;&b;\">]><annotation>&c;</annotation>")]
    [InlineData("<annotation><object><bndbox/></object></annotation>")]
    [InlineData("<annotation><size><width>9</width></size><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></annotation>")]
    public void AHostileAnnotation_IsRefusedByName(string xml)
    {
        Write("a", 40, 30, "");
        folder.Write("Annotations/a.xml", xml);

        Assert.Contains("a.xml", Assert.Throws<DataSourceException>(() => Open("a")).Message);
    }

    [Theory]
    [InlineData("../secret")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("a\\b")]
    public void AnIdThatLeavesTheFolder_IsRefused(string id)
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));

        Assert.Contains("line 2: is no id", Assert.Throws<DataSourceException>(() => Open("a", id)).Message);
    }

    [Fact]
    public void AMissingImage_AnAbsentAnnotation_AndAnEmptySet_AreTold()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        File.Delete(folder["JPEGImages/a.png"]);
        var error = Assert.Throws<DataSourceException>(() => Open("a", "b"));

        Assert.Contains("there is no such image", error.Message); // both faults at once
        Assert.Contains("b.xml", error.Message);
        Assert.Contains("names no image", Assert.Throws<DataSourceException>(() => Open()).Message);
    }

    [Fact]
    public void MutatedAnnotations_OpenOrAreRefused()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9) + Object("cat", 11, 6, 20, 15, difficult: true));
        var original = File.ReadAllBytes(folder["Annotations/a.xml"]);
        var random = new MoCoSharp.Data.Views.SampleRandom(1, 2, 3, 4);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = original.ToArray();
            for (var n = 1 + random.NextInt(4); n > 0; n--)
            {
                bytes[random.NextInt(bytes.Length)] = (byte)random.NextInt(256);
            }

            File.WriteAllBytes(folder["Annotations/a.xml"], bytes);
            try
            {
                Assert.All(Open("a")[0].Boxes, box => Assert.True(box.Width > 0 && box.Height > 0 && box.Left >= 0 && box.Bottom <= 1 << 30));
            }
            catch (DataSourceException error)
            {
                Assert.NotEmpty(error.Message);
            }
        }
    }

    [Fact]
    public void SourcesByName_FindTheirParts()
    {
        foreach (var (year, sets) in new[] { ("VOC2007", "trainval test"), ("VOC2012", "trainval") })
        {
            Write($"{year}a", 40, 30, Object("dog", 1, 1, 9, 9), year: year + "/");
            foreach (var set in sets.Split(' '))
            {
                folder.Write($"{year}/ImageSets/Main/{set}.txt", $"{year}a\n");
            }
        }

        var (train, judged) = DetectionSource.Open($"voc:{folder.Path}", null);
        Assert.Equal(["VOC2007/VOC2007a", "VOC2012/VOC2012a"], Enumerable.Range(0, train.Count).Select(i => train[i].Name));
        Assert.Equal("VOC2007a", judged![0].Name);

        var (one, other) = DetectionSource.Open($"voc:{folder["VOC2012"]}", $"voc:{folder["VOC2007"]}@test");
        Assert.Equal(("VOC2012a", "VOC2007a"), (one[0].Name, other![0].Name));
        Assert.Null(DetectionSource.Open($"voc:{folder["VOC2012"]}@trainval", null).Judged);
        Assert.Contains("It has test, trainval", Assert.Throws<DataSourceException>(() => DetectionSource.Open($"voc:{folder["VOC2007"]}@best", null)).Message);
        Assert.Contains("there is no folder", Assert.Throws<DataSourceException>(() => DetectionSource.Open("voc:/nowhere", null)).Message);
        Assert.Contains("is no source with boxes", Assert.Throws<DataSourceException>(() => DetectionSource.Open("patterns", null)).Message);
        Assert.Throws<DataSourceException>(() => DetectionSource.Open("voc:", null));
    }

    [Fact]
    public void ClassesThatAreNotTrainedOn_AreToldAndDropped()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        Write("b", 40, 30, Object("dog", 1, 1, 9, 9) + Object("emu", 1, 1, 9, 9));
        folder.Write("ImageSets/Main/train.txt", "a\n");
        folder.Write("ImageSets/Main/test.txt", "b\n");
        var (_, judged) = DetectionSource.Open($"voc:{folder.Path}", null);

        Assert.Equal([new ObjectBox(0, 0, 9, 9, 0)], judged![0].Boxes);
        Assert.Contains("1 boxes of 1 classes that are not trained on were dropped (emu)", judged.Notices.Single());
    }

    private BoxedImages Open(params string[] ids)
    {
        folder.Write("ImageSets/Main/some.txt", string.Join('\n', ids));
        return DetectionSource.Open($"voc:{folder.Path}@some", null).Train;
    }

    private void Write(string id, int width, int height, string objects, (int Width, int Height)? said = null, string year = "")
    {
        var (w, h) = said ?? (width, height);
        folder.Write($"{year}JPEGImages/{id}.png", ImageEncoder.Png(new ImageBuffer(width, height, new byte[3 * width * height])));
        folder.Write($"{year}Annotations/{id}.xml", $"<annotation><filename>../../x.jpg</filename><size><width>{w}</width><height>{h}</height></size>{objects}</annotation>");
    }

    private static string Object(string name, int left, int top, object right, int bottom, bool difficult = false) =>
        $"<object><name>{name}</name><difficult>{(difficult ? 1 : 0)}</difficult><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>";
}
