using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Detection;
using MoCoSharp.Data.Tests.Datasets;

namespace MoCoSharp.Data.Tests.Detection;

public sealed class CocoSourceTests : IDisposable
{
    private const string Whole = """
        {
          "images": [ { "id": 7, "file_name": "b.png", "width": 4, "height": 4 }, { "id": 3, "file_name": "sub/a.png", "width": 4, "height": 4 } ],
          "categories": [ { "id": 18, "name": "dog" }, { "id": 1, "name": "person" } ],
          "annotations": [
            { "image_id": 7, "category_id": 18, "bbox": [0.5, 1, 2, 2.5], "area": 3.5, "iscrowd": 0, "segmentation": [[1, 2, 3]] },
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
        Assert.Equal([new ObjectBox(0.5, 1, 2.5, 3.5, 1) { OutlineArea = 3.5 }, new ObjectBox(0, 0, 4, 4, 0) { IsCrowd = true, OutlineArea = 9 }], images[1].Boxes);
        Assert.False(images[0].HasObjects);
        Assert.Equal((4, 100), (images.Read(0).Width, images.Read(0).AsSpan()[0]));
    }

    [Fact]
    public void AnnotationsThatCannotBeUsed_AreToldAndDropped()
    {
        var images = Open(Whole.Replace("\"annotations\": [", """
            "annotations": [ { "image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1] }, { "image_id": 3, "category_id": 99, "bbox": [0, 0, 1, 1] },
              { "image_id": 3, "category_id": 1, "bbox": [0, 0, 0, 1] }, { "image_id": 3, "category_id": 1, "bbox": [0, 0, 1] }, { "image_id": 3, "category_id": 1, "bbox": [1, 1, 1e308, 1e308] },
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
    [InlineData("{\"images\": [{\"id\": 1, \"file_name\": \"../x.png\", \"width\": 4, \"height\": 4}], \"categories\": [{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}")]
    [InlineData("{\"images\": [{\"id\": 1, \"file_name\": \"/etc/x.png\", \"width\": 4, \"height\": 4}], \"categories\": [{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}")]
    [InlineData("{\"images\": [{\"id\": 1, \"file_name\": \"b.png\", \"width\": -4, \"height\": 4}], \"categories\": [{\"id\": 1, \"name\": \"a\"}], \"annotations\": []}")]
    [InlineData("{\"images\": [{\"id\": 1, \"file_name\": \"b.png\", \"width\": 4, \"height\": 4}], \"categories\": [{\"id\": 1, \"name\": \"a\"}, {\"id\": 1, \"name\": \"b\"}], \"annotations\": []}")]
    [InlineData("{\"images\": [{\"id\": 1.5, \"file_name\": \"b.png\", \"width\": 4, \"height\": 4}], \"categories\": [{\"id\": \"x\"}], \"annotations\": [7]}")]
    public void AHostileFile_IsRefusedByName(string json) => Assert.Contains("boxes.json", Assert.Throws<DataSourceException>(() => Open(json)).Message);

    [Fact]
    public void ADeeplyNestedFile_IsRefused() => Assert.Throws<DataSourceException>(() => Open(new string('[', 100_000)));

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
                    Assert.All(images[index].Boxes, box => Assert.True(box.Width > 0 && box.Right <= images[index].Width));
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
            folder.Write($"annotations/instances_{part}.json", Whole.Replace("b.png", $"{part}.png", StringComparison.Ordinal));
            folder.WriteImage($"{part}/{part}.png");
        }

        var (train, judged) = DetectionSource.Open($"coco:{folder.Path}", null);

        Assert.Equal(("train2017.png", "val2017.png"), (train[1].Name, judged![1].Name));
        Assert.Equal(4, train.Read(1).Width);
        Assert.Throws<DataSourceException>(() => DetectionSource.Open("coco:/nowhere", null));
        Assert.Equal(("coco", "voc"), (DetectionSource.KindOf("coco:x"), DetectionSource.KindOf("voc:x")));
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
