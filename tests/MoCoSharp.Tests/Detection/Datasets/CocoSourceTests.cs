using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Tests.Detection.Datasets;

public sealed class CocoSourceTests : IDisposable
{
    private const string Whole = """
        {
          "images": [ { "id": 7, "file_name": "b.png", "width": 4, "height": 4 },
            { "id": 3, "file_name": "sub/a.png", "width": 4, "height": 4 } ],
          "categories": [ { "id": 18, "name": "dog" }, { "id": 1, "name": "person" } ],
          "annotations": [
            { "image_id": 7, "category_id": 18, "bbox": [0.5, 1, 2, 2.5], "area": 3.5, "iscrowd": 0,
              "segmentation": [[1, 2, 3]] },
            { "image_id": 7, "category_id": 1, "bbox": [0, 0, 4, 4], "iscrowd": 1, "area": 9 }
          ]
        }
        """;

    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Images_AreInTheOrderOfTheirIds_AndClassesOfTheirs()
    {
        var images = Open(Whole);

        Assert.Equal(["person", "dog"], images.ClassNames);
        Assert.Equal(["sub/a.png", "b.png"], [images[0].Name, images[1].Name]);
        Assert.Equal(
            [
                new ObjectBox(0.5, 1, 2.5, 3.5, 1) { OutlineArea = 3.5 },
                new ObjectBox(0, 0, 4, 4, 0) { IsCrowd = true, OutlineArea = 9 },
            ],
            images[1].Boxes);
        Assert.False(images[0].HasObjects);
        Assert.Equal((4, 100), (images.Read(0).Width, images.Read(0).AsSpan()[0]));
    }

    [Fact]
    public void AnnotationsThatCannotBeUsed_AreToldAndDropped()
    {
        var images = Open(Whole.Replace("\"annotations\": [", """
            "annotations": [
              { "image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1] },
              { "image_id": 3, "category_id": 99, "bbox": [0, 0, 1, 1] },
              { "image_id": 3, "category_id": 1, "bbox": [0, 0, 0, 1] },
              { "image_id": 3, "category_id": 1, "bbox": [0, 0, 1] },
              { "image_id": 3, "category_id": 1, "bbox": [1, 1, 1e308, 1e308] },
            """, StringComparison.Ordinal));

        Assert.Equal([new ObjectBox(1, 1, 4, 4, 0)], images[0].Boxes); // cut
        Assert.Equal(4, images.Notices.Count);
        Assert.Contains(images.Notices, notice => notice.Contains("2 annotations of an unknown image or category"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"images\": 3, \"categories\": [], \"annotations\": []}")]
    [InlineData("{\"images\": [3], \"categories\": [], \"annotations\": []}")]
    [InlineData("{\"images\": [], \"categories\": [], \"annotations\": []}")]
    [InlineData(
        "{\"images\": [{\"id\": 1, \"file_name\": \"../x.png\", \"width\": 4, \"height\": 4}], \"categories\": " +
        "[{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}"
    )]
    [InlineData(
        "{\"images\": [{\"id\": 1, \"file_name\": \"/etc/x.png\", \"width\": 4, \"height\": 4}], \"categories\": " +
        "[{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}"
    )]
    [InlineData(
        "{\"images\": [{\"id\": 1, \"file_name\": \"b.png\", \"width\": -4, \"height\": 4}], \"categories\": " +
        "[{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}"
    )]
    [InlineData(
        "{\"images\": [{\"id\": 1, \"file_name\": \"b.png\", \"width\": 4, \"height\": 4}], \"categories\": " +
        "[{\"id\": 1, \"name\": \"a\"}, {\"id\": 1, \"name\": \"b\"}], \"annotations\": []}"
    )]
    [InlineData(
        "{\"images\": [{\"id\": 1.5, \"file_name\": \"b.png\", \"width\": 4, \"height\": 4}], \"categories\": " +
        "[{\"id\": \"x\"}], \"annotations\": [7]}"
    )]
    public void AHostileFile_IsRefusedByName(string json) =>
        Assert.Contains("boxes.json", Assert.Throws<DataSourceException>(() => Open(json)).Message);

    [Fact]
    public void ADeeplyNestedFile_IsRefused() =>
        Assert.Throws<DataSourceException>(() => Open(new string('[', 100_000)));

    [Fact]
    public void MutatedFiles_OpenOrAreRefused()
    {
        var original = System.Text.Encoding.UTF8.GetBytes(Whole);
        var random = new MoCoSharp.Data.Views.SampleRandom(1, 2, 3, 5);
        for (var i = 0; i < 3000; i++)
        {
            var bytes = original.ToArray();
            for (var n = 1 + random.NextInt(4); n > 0; n--)
            {
                bytes[random.NextInt(bytes.Length)] = (byte)random.NextInt(128);
            }

            try
            {
                var images = Open(bytes);
                for (var index = 0; index < images.Count; index++)
                {
                    Assert.All(
                        images[index].Boxes,
                        box => Assert.True(box.Width > 0 && box.Right <= images[index].Width));
                }
            }
            catch (DataSourceException error)
            {
                Assert.NotEmpty(error.Message);
            }
        }
    }

    [Fact]
    public void AFolder_OffersTrainAndVal()
    {
        foreach (var part in new[] { "train2017", "val2017" })
        {
            folder.Write(
                $"annotations/instances_{part}.json",
                Whole.Replace("b.png", $"{part}.png", StringComparison.Ordinal));
            folder.WriteImage($"{part}/{part}.png");
        }

        var (train, judged) = DetectionSource.Open($"coco:{folder.Path}", null);

        Assert.Equal(("train2017.png", "val2017.png"), (train[1].Name, judged![1].Name));
        Assert.Equal(4, train.Read(1).Width);
        Assert.Throws<DataSourceException>(() => DetectionSource.Open("coco:/nowhere", null));
        Assert.Equal((true, false), (DetectionSource.IsCoco("coco:x"), DetectionSource.IsCoco("voc:x")));
    }

    [Fact]
    public void Numbers_MayBeWrittenAsFractionsAndTexts()
    {
        var images = Open(Whole
            .Replace("\"id\": 7,", "\"id\": \"007\",", StringComparison.Ordinal)
            .Replace(
                "\"image_id\": 7, \"category_id\": 18",
                "\"image_id\": 7.0, \"category_id\": \"18\"",
                StringComparison.Ordinal)
            .Replace("[0.5, 1, 2, 2.5]", "[\"0.5\", \"1\", 2, \"2.5\"]", StringComparison.Ordinal)
            .Replace("\"width\": 4", "\"width\": \"4.0\"", StringComparison.Ordinal)
            .Replace("\"area\": 3.5", "\"area\": \"3.5\"", StringComparison.Ordinal));

        Assert.Equal(
            [
                new ObjectBox(0.5, 1, 2.5, 3.5, 1) { OutlineArea = 3.5 },
                new ObjectBox(0, 0, 4, 4, 0) { IsCrowd = true, OutlineArea = 9 },
            ],
            images[1].Boxes);
        Assert.Empty(images.Notices);
    }

    [Theory]
    [InlineData(
        "\"image_id\": 7, \"category_id\": 1,",
        "\"id\": 3, \"image_id\": \"b.png\", \"category_id\": 1,",
        "annotations[1] (id 3): \"image_id\" is the text \"b.png\", expected a whole number such as 7"
    )]
    [InlineData(
        "\"image_id\": 7, \"category_id\": 1,",
        "\"image_id\": 7, \"category_id\": null,",
        "annotations[1]: \"category_id\" is null, expected a whole number"
    )]
    [InlineData("\"image_id\": 7, \"category_id\": 1,", "\"category_id\": 1,", "annotations[1]: has no \"image_id\"")]
    [InlineData("\"id\": 18, \"name\"", "\"id\": 18.5, \"name\"", "categories[0]: \"id\" is 18.5")]
    [InlineData("\"id\": 18, \"name\"", "\"name\"", "categories[0]: has no \"id\"")]
    [InlineData("\"name\": \"dog\"", "\"name\": 5", "categories[0] (id 18): \"name\" is 5, expected a text")]
    [InlineData("\"id\": 3, ", "\"id\": \"7\", ", "id 7 occurs twice: images[0] (id 7) and images[1] (id 7)")]
    [InlineData(
        "\"id\": 1, \"name\"",
        "\"id\": 18.0, \"name\"",
        "id 18 occurs twice: categories[0] (id 18) and categories[1] (id 18)"
    )]
    [InlineData(
        "\"file_name\": \"b.png\"",
        "\"file_name\": \"https://host/p/x.png\"",
        "It is a web address: download it first"
    )]
    [InlineData(
        "\"file_name\": \"b.png\"",
        "\"file_name\": \"../../media/x.png\"",
        "images[0] (id 7): \"file_name\" is \"../../media/x.png\", expected a path below"
    )]
    [InlineData(
        "\"annotations\"",
        "\"shapes\"",
        "has no list \"annotations\"; expected COCO's instances JSON, an object with the lists \"images\", " +
        "\"annotations\" and \"categories\". Its keys are images, categories, shapes."
    )]
    [InlineData("\"images\": [ {", "\"images\": [ 5, {", "images[0] is 5, expected an object")]
    public void AFault_NamesTheEntry_AndWhatStandsThere(string old, string change, string expected) =>
        Assert.Contains(
            expected,
            Assert.Throws<DataSourceException>(() => Open(Whole.Replace(old, change, StringComparison.Ordinal))).Message
        );

    [Theory]
    [InlineData(
        "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [0, 0, 1, 1], \"score\": 0.5}]",
        "is a list of 1 entries, such as a detector's results"
    )]
    [InlineData("", "it is empty")]
    [InlineData("<!DOCTYPE html><html></html>", "it is an HTML page")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "`git lfs pull`")]
    [InlineData("\u001F\u0008", "is not valid JSON at line 1, byte 1")]
    [InlineData(
        "{\"images\": [],\n \"area\": NaN}",
        "is not valid JSON at line 2, byte 10. A file cut short, a comma too many, a comment, or NaN"
    )]
    [InlineData("{\"images\": [", "is not valid JSON at line 1")]
    public void WhatIsNotCocosJson_IsNamed(string json, string expected)
    {
        var message = Assert.Throws<DataSourceException>(() => Open(json)).Message;

        Assert.Contains(expected, message);
        Assert.DoesNotContain("BytePositionInLine", message);
    }

    [Fact]
    public void AFileInUtf16_IsTold() => Assert.Contains(
        "is written in UTF-16",
        Assert
            .Throws<DataSourceException>(() => Open([0xFF, 0xFE, .. System.Text.Encoding.Unicode.GetBytes(Whole)]))
            .Message);

    [Theory]
    [InlineData("true", true)]
    [InlineData("\"1\"", true)]
    [InlineData("1.0", true)]
    [InlineData("\"true\"", true)]
    [InlineData("false", false)]
    [InlineData("\"0\"", false)]
    [InlineData("0.0", false)]
    [InlineData("null", false)]
    public void ACrowd_HasMoreThanOneSpelling(string text, bool isCrowd)
    {
        var images = Open(Whole.Replace("\"iscrowd\": 1", $"\"iscrowd\": {text}", StringComparison.Ordinal));

        Assert.Equal(isCrowd, images[1].Boxes[1].IsCrowd);
        Assert.Empty(images.Notices);
    }

    [Fact]
    public void WhatIsOddInAnnotations_IsToldWithItsPlace()
    {
        var images = Open(Whole.Replace("\"annotations\": [", """
            "annotations": [
              { "id": 5, "image_id": 3, "category_id": 1, "segmentation": [[0, 0, 1, 1]] },
              { "id": 5, "image_id": 3, "category_id": 1, "bbox": [3, 3, -2, -2] },
              { "id": "5", "image_id": 3, "category_id": 1, "bbox": ["a", 3, 2, 2] },
              { "image_id": 3, "category_id": 1, "iscrowd": "maybe", "bbox": [0, 0, 1, 1] },
            """, StringComparison.Ordinal));

        Assert.Single(images[0].Boxes);
        foreach (var part in new[]
        {
            "1 annotations without a \"bbox\" were dropped (outlines alone are not read): annotations[0] (id 5), a " +
            "person of sub/a.png.",
            "2 annotations have the id of another, but count nevertheless: annotations[1] (id 5), annotations[2] " +
            "(id 5).",
            "1 boxes without area were dropped: annotations[1] (id 5), a person of sub/a.png (3, 3 to 1, 1).",
            "1 boxes whose corners are not numbers were dropped: annotations[2] (id 5), a person of sub/a.png, " +
            "\"bbox\" [\"a\", 3, 2, 2].",
            "1 flags \"iscrowd\" are neither 0 nor 1 and were taken as 0: \"maybe\" annotations[3], a person of " +
            "sub/a.png.",
        })
        {
            Assert.Contains(images.Notices, notice => notice.EndsWith(part, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("sub\\\\a.png", "sub/a.png", false)]
    [InlineData("images\\\\1/b.png", "b.png", true)]
    [InlineData("train2017/b.png", "b.png", true)]
    [InlineData("/media/me/data/b.png", "b.png", true)]
    [InlineData("..\\\\..\\\\media\\\\upload\\\\b.png", "b.png", true)]
    [InlineData("C:\\\\data\\\\b.png", "b.png", true)]
    [InlineData("https://host/p/b.png", "b.png", true)]
    public void AnImage_IsFoundByTheLastPartOfItsName_InTheFolderAlone(string name, string file, bool isTold)
    {
        var images = Open(
            Whole.Replace("\"file_name\": \"b.png\"", $"\"file_name\": \"{name}\"", StringComparison.Ordinal));

        Assert.Equal(folder[$"images/{file}"], images[1].File);
        Assert.Equal(isTold, images.Notices.Any(notice => notice.Contains("1 images were found in")));
    }

    [Fact]
    public void ImagesThatAreMissing_AreCounted_AndWithoutASingleOneTheFolderIsAskedFor()
    {
        var images = Open(Whole.Replace("sub/a.png", "sub/c.png", StringComparison.Ordinal));
        Assert.Contains("1 images are not in", images.Notices.Single());
        Assert.EndsWith("sub/c.png.", images.Notices.Single());

        var message = Assert
            .Throws<DataSourceException>(() =>
                Open(
                    Whole
                        .Replace("a.png", "c.png", StringComparison.Ordinal)
                        .Replace("b.png", "d.png", StringComparison.Ordinal)))
            .Message;
        Assert.Contains("none of its 2 images is in", message);
        Assert.Contains("coco:", message);
    }

    [Fact]
    public void ASizeThatIsNotSaid_IsTheImages()
    {
        var images = Open(
            Whole
                .Replace(
                    "\"file_name\": \"b.png\", \"width\": 4, \"height\": 4",
                    "\"file_name\": \"b.png\"",
                    StringComparison.Ordinal)
            .Replace(
                "\"file_name\": \"sub/a.png\", \"width\": 4",
                "\"file_name\": \"sub/a.png\", \"width\": null",
                StringComparison.Ordinal));

        Assert.Equal([(4, 4), (4, 4)], Enumerable.Range(0, 2).Select(i => (images[i].Width, images[i].Height)));
        Assert.Contains(
            "images[0] (id 7)",
            Assert
                .Throws<DataSourceException>(() =>
                    Open(
                        Whole.Replace(
                            "\"file_name\": \"b.png\", \"width\": 4",
                            "\"file_name\": \"c.png\"",
                            StringComparison.Ordinal)))
                .Message);
    }

    [Fact]
    public void AFileUnderTwoIds_ClassesWrittenInTwoWays_AndImagesOfBothParts_AreTold()
    {
        var text = Whole
            .Replace("sub/a.png", "b.png", StringComparison.Ordinal)
            .Replace("\"person\"", "\"Dog\"", StringComparison.Ordinal);
        var images = Open(text);

        Assert.Contains(
            images.Notices,
            notice =>
                notice.Contains(
                    "1 image files have more than one entry, each of which counts: b.png (images[0] (id 7) and " +
                    "images[1] (id 3))"));
        Assert.Contains(
            images.Notices,
            notice =>
                notice.Contains("1 classes differ from another only in case, blanks, - or _")
                && notice.Contains("\"Dog\" and \"dog\""));

        folder.Write(
            "other.json",
            Whole
                .Replace("\"person\"", "\"dogs\"", StringComparison.Ordinal)
                .Replace("\"dog\"", "\"DOG\"", StringComparison.Ordinal));
        var judged = DetectionSource
            .Open($"coco:{folder["boxes.json"]}@{folder["images"]}", $"coco:{folder["other.json"]}@{folder["images"]}/")
            .Judged!;
        Assert.Contains(
            judged.Notices,
            notice => notice.Contains("1 of its 2 images are also trained on, so the AP is too high: b.png"));
        Assert.Contains(judged.Notices, notice => notice.Contains("DOG (is it Dog?)"));
    }

    [Fact]
    public void AFolderInAnotherLayout_IsToldHowToBeNamed()
    {
        folder.Write("train/_annotations.coco.json", Whole);
        folder.Write("valid/_annotations.coco.json", Whole);
        var message = Assert
            .Throws<DataSourceException>(() => DetectionSource.Open($"coco:{folder.Path}", null))
            .Message;

        Assert.Contains(
            $"coco:{folder["train/_annotations.coco.json"]}@{folder["train"]}, " +
            $"coco:{folder["valid/_annotations.coco.json"]}@{folder["valid"]}",
            message);
    }

    private BoxedImages Open(string json) => Open(System.Text.Encoding.UTF8.GetBytes(json));

    private BoxedImages Open(byte[] json)
    {
        folder.WriteImage("images/b.png");
        folder.WriteImage("images/sub/a.png");
        folder.Write("boxes.json", json);
        return DetectionSource.Open($"coco:{folder["boxes.json"]}@{folder["images"]}", null).Train;
    }
}
