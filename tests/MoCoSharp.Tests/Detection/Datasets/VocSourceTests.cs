using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Tests.Detection.Datasets;

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
        Assert.Equal(
            [new ObjectBox(0, 0, 40, 30, 1), new ObjectBox(10, 5, 20, 15, 0) { IsDifficult = true }],
            images[0].Boxes);
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
        Write(
            "a", 40, 30,
            Object("dog", 20, 5, 10, 9)
                + Object("dog", 50, 5, 60, 9)
                + Object("dog", 5, 5, "nan", 9)
                + Object("dog", 5, 5, "1e999", 9)
                + Object("dog", 30, 20, 90, 90));
        var images = Open("a");

        Assert.Equal([new ObjectBox(29, 19, 40, 30, 0)], images[0].Boxes);
        Assert.Equal(4, images.Notices.Count);
        Assert.Contains(images.Notices, notice => notice.Contains("1 boxes without area were dropped: a dog of a"));
        Assert.Contains(images.Notices, notice => notice.Contains("2 boxes whose corners are not numbers"));
    }

    [Fact]
    public void AnImageWithoutBoxes_IsThere_AndTakesNoPartInTraining()
    {
        Write("a", 40, 30, "");
        Write("b", 40, 30, Object("dog", 1, 1, 9, 9));
        var images = Open("a", "b");

        Assert.Equal((2, 0), (images.Count, images[0].Boxes.Count));
        Assert.Equal("b", images.WithObjects()[0].Name);
        Assert.Contains("1 images without boxes are not trained on", images.WithObjects().Notices.Single());
    }

    [Fact]
    public void AnImageOfAnotherSizeThanItsAnnotationSays_IsRefusedWhenRead()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9), said: (41, 30));

        Assert.Contains(
            "is 40 x 30 pixels, but its annotation says 41 x 30",
            Assert.Throws<BrokenImageException>(() => Open("a").Read(0)).Message);
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
        var part =
            "<part><name>head</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></part>";
        Write(
            "a", 40, 30,
            Object("person", 1, 1, 20, 20).Replace("</object>", part + "</object>", StringComparison.Ordinal));

        Assert.Equal([new ObjectBox(0, 0, 20, 20, 0)], Open("a")[0].Boxes);
        Assert.Equal(["person"], Open("a").ClassNames);
    }

    [Theory]
    [InlineData("<annotation><object>")]
    [InlineData("")]
    [InlineData("not xml")]
    [InlineData("<html><body/></html>")]
    [InlineData(
        "<!DOCTYPE a [<!ENTITY x SYSTEM " +
        "\"file:///etc/passwd\">]><annotation><object><name>&x;</name></object></annotation>"
    )]
    [InlineData("<!DOCTYPE a [<!ENTITY b \"aaaaaaaa\"><!ENTITY c \"&b;&b;&b;&b;\">]><annotation>&c;</annotation>")]
    [InlineData("<annotation><object><bndbox/></object></annotation>")]
    [InlineData(
        "<annotation><size><width>9</width></size><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/>" +
        "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></annotation>"
    )]
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

        Assert.Contains("line 2: is not an id", Assert.Throws<DataSourceException>(() => Open("a", id)).Message);
    }

    [Fact]
    public void AMissingImage_AnAbsentAnnotation_AndAnEmptySet_AreTold()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        File.Delete(folder["JPEGImages/a.png"]);
        var error = Assert.Throws<DataSourceException>(() => Open("a", "b"));

        Assert.Contains("have an annotation, but no image in", error.Message); // both faults at once
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
                Assert.All(
                    Open("a")[0].Boxes,
                    box => Assert.True(box.Width > 0 && box.Height > 0 && box.Left >= 0 && box.Bottom <= 1 << 30));
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
        Assert.Equal(
            ["VOC2007/VOC2007a", "VOC2012/VOC2012a"],
            Enumerable.Range(0, train.Count).Select(i => train[i].Name));
        Assert.Equal("VOC2007a", judged![0].Name);

        var (one, other) = DetectionSource.Open($"voc:{folder["VOC2012"]}", $"voc:{folder["VOC2007"]}@test");
        Assert.Equal(("VOC2012a", "VOC2007a"), (one[0].Name, other![0].Name));
        Assert.Null(DetectionSource.Open($"voc:{folder["VOC2012"]}@trainval", null).Judged);
        Assert.Contains(
            "It has test, trainval",
            Assert
                .Throws<DataSourceException>(() => DetectionSource.Open($"voc:{folder["VOC2007"]}@best", null))
                .Message);
        Assert.Contains(
            "there is no folder",
            Assert.Throws<DataSourceException>(() => DetectionSource.Open("voc:/nowhere", null)).Message);
        Assert.Contains(
            "is not a source with boxes",
            Assert.Throws<DataSourceException>(() => DetectionSource.Open("patterns", null)).Message);
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

    [Fact]
    public void AnIdThatStandsThereTwice_CountsOnce_AndIsTold()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        Write("b", 40, 30, Object("dog", 1, 1, 9, 9));
        var images = Open("a", "b", "a", "a");

        Assert.Equal(["a", "b"], [images[0].Name, images[1].Name]);
        Assert.Equal(2, images.Count);
        Assert.Contains(
            "1 ids occur in some.txt more than once, and count once: a (3 times).",
            images.Notices.Single());

        folder.Write("ImageSets/Main/other.txt", "b\n");
        var both = DetectionSource.Open($"voc:{folder.Path}@some,{folder.Path}@other", null).Train;
        Assert.Equal(2, both.Count);
        Assert.Contains(
            both.Notices,
            notice => notice.Contains("1 ids occur in more than one of the lists, and count once: b"));
    }

    [Theory]
    [InlineData("my photo (1)")]
    [InlineData("my photo (1)  -1")]
    [InlineData("my photo (1)\t1\r")]
    [InlineData("  my photo (1) 0 ")]
    [InlineData("\uFEFFmy photo (1)")]
    [InlineData("my photo (1).jpg")]
    [InlineData("my photo (1).XML")]
    [InlineData("JPEGImages/my photo (1).jpg")]
    [InlineData("./my photo (1).jpg")]
    [InlineData("/data/VOC2007/JPEGImages/my photo (1).jpg")]
    [InlineData("..\\VOC2007\\JPEGImages\\my photo (1).jpg")]
    public void ALine_IsAnIdInMoreThanOneSpelling(string line)
    {
        Write("my photo (1)", 40, 30, Object("dog", 1, 1, 9, 9));
        Write("my", 40, 30, Object("dog", 1, 1, 9, 9));

        Assert.Equal("my photo (1)", Open(line)[0].Name);
    }

    [Theory]
    [InlineData("a 1", "a")] // a class set
    [InlineData("a -1", "a")]
    [InlineData("b 1", "b 1")] // there is such an annotation
    [InlineData("JPEGImages/a.jpg Annotations/a.xml", "a")]
    public void ASecondColumn_IsNoPartOfTheId(string line, string id)
    {
        foreach (var name in new[] { "a", "b", "b 1" })
        {
            Write(name, 40, 30, Object("dog", 1, 1, 9, 9));
        }

        Assert.Equal(id, Open(line)[0].Name);
    }

    [Fact]
    public void ASecondWordThatIsNoNumber_MakesAnotherId()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));

        Assert.Contains(
            "1 ids of some.txt have no annotation",
            Assert.Throws<DataSourceException>(() => Open("a b")).Message);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("1.0", true)]
    [InlineData("true", true)]
    [InlineData("Yes", true)]
    [InlineData("0", false)]
    [InlineData("0.0", false)]
    [InlineData("False", false)]
    [InlineData("", false)]
    public void AFlag_HasMoreThanOneSpelling(string text, bool isDifficult)
    {
        Write(
            "a", 40, 30,
            Object("dog", 1, 1, 9, 9).Replace("<difficult>0<", $"<difficult>{text}<", StringComparison.Ordinal));

        Assert.Equal(isDifficult, Open("a")[0].Boxes[0].IsDifficult);
        Assert.Empty(Open("a").Notices);
    }

    [Fact]
    public void AFlagOfUnexpectedText_IsTold()
    {
        Write("a", 40, 30, string.Concat(new[] { "Unspecified", "2", "0.0597" }.Select(text =>
            Object("dog", 1, 1, 9, 9)
                .Replace(
                    "<difficult>0<",
                    $"<truncated>{text}</truncated><difficult>{text}<",
                    StringComparison.Ordinal))));
        var images = Open("a");

        Assert.All(images[0].Boxes, box => Assert.False(box.IsDifficult));
        Assert.Contains(
            "3 flags \"difficult\" are neither 0 nor 1 and were taken as 0: \"unspecified\" a dog of a, \"2\" a dog " +
            "of a, \"0.0597\" a dog of a.",
            images.Notices.Single());
    }

    [Fact]
    public void ACornerThatIsNoNumber_IsShown_AndAFractionIsANumber()
    {
        Write(
            "a", 40, 30,
            Object("dog", 1, 1, "12,5", 9)
                + "<object><name>cat</name></object>"
                + Object("emu", 1, 1, "35.70000076293945", 2));
        var images = Open("a");

        Assert.Equal(35.70000076293945, images[0].Boxes.Single().Right);
        Assert.Contains(
            "2 boxes whose corners are not numbers were dropped: a dog of a, xmax \"12,5\", a cat of a, no xmin.",
            images.Notices.Single());
    }

    [Fact]
    public void AnnotationsThatNameAnotherImage_AndClassesWrittenInTwoWays_AreTold()
    {
        Write("a", 40, 30, Object("Car", 1, 1, 9, 9), name: "../../x.jpg");
        Write(
            "b", 40, 30,
            Object("car", 1, 1, 9, 9) + Object("traffic_light", 1, 1, 9, 9) + Object("Traffic light", 1, 1, 9, 9),
            name: "C:\\photos\\B.PNG");
        var images = Open("a", "b");

        Assert.Equal(["Car", "Traffic light", "car", "traffic_light"], images.ClassNames);
        Assert.Equal(2, images.Notices.Count);
        Assert.Contains(
            images.Notices,
            notice =>
                notice.Contains(
                    "1 annotations name another image; images are found by the name of the annotation file: a.xml " +
                    "(\"../../x.jpg\")"));
        Assert.Contains(
            images.Notices,
            notice =>
                notice.Contains("2 classes differ from another only in case, blanks, - or _")
                && notice.Contains("\"Car\" and \"car\""));
    }

    [Theory]
    [InlineData("JPG")]
    [InlineData("Jpg")]
    [InlineData("jpe")]
    [InlineData("jfif")]
    [InlineData("JPEG")]
    [InlineData("WebP")]
    [InlineData("BMP")]
    public void AnImage_IsFoundWhateverTheCaseOfItsEnding(string ending)
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        File.Move(folder["JPEGImages/a.png"], folder[$"JPEGImages/a.{ending}"]);
        folder.WriteImage("JPEGImages/._a.jpg");

        Assert.Equal(folder[$"JPEGImages/a.{ending}"], Open("a")[0].File);
    }

    [Fact]
    public void ASizeThatIsNotSaid_IsTheTiffs()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9), said: (0, 0));
        File.Delete(folder["JPEGImages/a.png"]);
        folder.Write(
            "JPEGImages/a.TIF",
            File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "golden", "images", "deflate.tif")));
        var images = Open("a");

        using var pixels = images.Read(0); // refused where the size differs
        Assert.Equal((pixels.Width, pixels.Height), (images[0].Width, images[0].Height));
        folder.Write("JPEGImages/a.TIF", "II*\0"u8.ToArray());
        Assert.Contains(
            "Its annotation does not give its size either.",
            Assert.Throws<DataSourceException>(() => Open("a")).Message);
    }

    [Fact]
    public void TwoImagesOfAnId_AreTold()
    {
        Write("a", 40, 30, Object("dog", 1, 1, 9, 9));
        folder.WriteImage("JPEGImages/a.jpg");

        Assert.Equal(folder["JPEGImages/a.jpg"], Open("a")[0].File);
        Assert.Contains(
            "1 ids have more than one image file, of which one is used: a.jpg of a.jpg, a.png.",
            Open("a").Notices.Single());
    }

    [Fact]
    public void IdsWithoutAnnotationOrImage_AreCounted()
    {
        foreach (var id in Enumerable.Range(0, 20).Select(i => $"{i:D2}"))
        {
            Write(id, 40, 30, Object("dog", 1, 1, 9, 9));
        }

        foreach (var id in Enumerable.Range(0, 12).Select(i => $"{i:D2}"))
        {
            File.Delete(folder[$"JPEGImages/{id}.png"]);
        }

        File.Delete(folder["Annotations/19.xml"]);
        var message = Assert
            .Throws<DataSourceException>(() => Open([.. Enumerable.Range(0, 20).Select(i => $"{i:D2}")]))
            .Message;

        Assert.Contains("12 ids of some.txt have an annotation, but no image in", message);
        Assert.Contains("00, 01, 02, 03, 04, ...", message);
        Assert.Contains("1 ids of some.txt have no annotation", message);
        Directory.Delete(folder["Annotations"], recursive: true);
        Assert.Contains("no such folder of annotations", Assert.Throws<DataSourceException>(() => Open("00")).Message);
    }

    [Theory]
    [InlineData("<!DOCTYPE annotation><annotation/>", "has a document type (<!DOCTYPE ...>), which is not read")]
    [InlineData("<annotation><object>", "not well-formed XML at line 1, character 21")]
    [InlineData("<annotation/>\n<annotation/>", "not well-formed XML at line 2, character 2")]
    [InlineData("", "is empty")]
    [InlineData(" \r\n", "An image without objects has <annotation></annotation>")]
    [InlineData("<!DOCTYPE html><html><body>404</body></html>", "it is an HTML page")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "`git lfs pull`")]
    [InlineData("{\"shapes\": []}", "it is a JSON text")]
    public void WhatIsNoAnnotation_IsNamed(string xml, string expected)
    {
        Write("a", 40, 30, "");
        folder.Write("Annotations/a.xml", xml);
        var message = Assert.Throws<DataSourceException>(() => Open("a")).Message;

        Assert.Contains(expected, message);
        Assert.DoesNotContain("Dtd", message);
        Assert.DoesNotContain("Xml", message);
    }

    [Fact]
    public void AnAnnotationInGb2312_IsRead()
    {
        Write("a", 40, 30, "");
        var start = "<?xml version=\"1.0\" encoding=\"gb2312\"?><annotation>"u8;
        var before = "<size><width>40</width><height>30</height></size><object><name>"u8;
        var after = "</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"u8;
        folder.Write(
            "Annotations/a.xml",
            [
                .. start, .. before, 0xC3, 0xA8,
                .. after, .. "</annotation>"u8,
            ]);

        Assert.Equal(["\u732B"], Open("a").ClassNames); // cat
    }

    [Fact]
    public void AnImageThatIsLearnedFromAndJudgedBy_IsTold()
    {
        foreach (var id in new[] { "a", "b", "c" })
        {
            Write(id, 40, 30, Object("dog", 1, 1, 9, 9));
        }

        folder.Write("ImageSets/Main/train.txt", "a\nb\n");
        folder.Write("ImageSets/Main/Valid.txt", "b\nc\n");
        var (train, judged) = DetectionSource.Open($"voc:{folder.Path}", null);

        Assert.Empty(train.Notices);
        Assert.Contains(
            "1 of its 2 images are also trained on, so the AP is too high: b.",
            judged!.Notices.Single());
        Assert.Contains(
            "1 of its 2 images",
            DetectionSource.Open($"voc:{folder.Path}@train", $"voc:{folder.Path}/.@Valid").Judged!.Notices.Single());
    }

    private BoxedImages Open(params string[] ids)
    {
        folder.Write("ImageSets/Main/some.txt", string.Join('\n', ids));
        return DetectionSource.Open($"voc:{folder.Path}@some", null).Train;
    }

    private void Write(
        string id, int width, int height, string objects, (int Width, int Height)? said = null,
        string year = "",
        string? name = null)
    {
        var (w, h) = said ?? (width, height);
        folder.Write(
            $"{year}JPEGImages/{id}.png",
            ImageEncoder.Png(new ImageBuffer(width, height, new byte[3 * width * height])));
        folder.Write(
            $"{year}Annotations/{id}.xml",
            $"<annotation><filename>{name ?? id + ".jpg"}</filename>" +
            $"<size><width>{w}</width><height>{h}</height></size>{objects}</annotation>");
    }

    private static string Object(string name, int left, int top, object right, int bottom, bool difficult = false) =>
        $"<object><name>{name}</name><difficult>{(difficult ? 1 : 0)}</difficult><bndbox><xmin>{left}</xmin>" +
        $"<ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>";
}
