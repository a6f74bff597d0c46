using System.IO.Compression;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class IdxImagesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IdxImages_GreyBecomesRgb_PackedOrNot(bool packed)
    {
        Save("t10k-images-idx3-ubyte", Idx([2, 1, 2], 1, 2, 3, 4), packed);
        Save("t10k-labels-idx1-ubyte", Idx([2], 7, 0), packed);

        var set = IdxImages.Open(temp.Path, test: true);
        var (image, label) = set.Read(0);

        Assert.Equal((2, 1, 2, 7), (image.Width, image.Height, set.Count, label));
        Assert.Equal([1, 1, 1, 2, 2, 2], image.Pixels);
        Assert.Equal("7", set.ClassNames[7]);
        Assert.EndsWith("#1", set.NameOf(1));
    }

    [Theory]
    [InlineData("MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte")]
    [InlineData("raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte")]
    [InlineData("train-images.idx3-ubyte", "train-labels.idx1-ubyte")]
    [InlineData("train-images-idx3-ubyte/train-images-idx3-ubyte", "train-labels-idx1-ubyte/train-labels-idx1-ubyte")]
    public void IdxImages_WhereAndAsOthersKeepThem_AreFound(string images, string labels)
    {
        temp.Write(images, Idx([1, 1, 1], 9));
        temp.Write(labels, Idx([1], 3));

        Assert.Equal(3, DataSource.Open($"idx:{temp.Path}", null).Train.LabelOf(0));
    }

    [Fact]
    public void IdxImages_SeveralSetsBelow_AreNamed()
    {
        temp.Write("MNIST/raw/train-images-idx3-ubyte", Idx([1, 1, 1], 9));
        temp.Write("FashionMNIST/raw/train-images-idx3-ubyte", Idx([1, 1, 1], 9));

        Assert.Contains(
            "several sets",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Fact]
    public void IdxImages_UnpackedUnderAPackedName_AreRead()
    {
        temp.Write("train-images-idx3-ubyte.gz", Idx([1, 1, 1], 9));

        Assert.Equal([9, 9, 9], IdxImages.Open(temp.Path, test: false).Read(0).Image.Pixels);
    }

    [Fact]
    public void IdxImages_PageUnderAPackedName_IsSaidToBeOne()
    {
        temp.Write("train-images-idx3-ubyte.gz", "<!DOCTYPE html><html><body>403</body></html>");

        Assert.Contains(
            "It is an HTML page",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Fact]
    public void IdxImages_UnderAnotherBeginning_AreNamed()
    {
        temp.Write("emnist-letters-train-images-idx3-ubyte", Idx([1, 1, 1], 9));

        Assert.Contains(
            "emnist-letters-train-images-idx3-ubyte",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Fact]
    public void IdxImages_WithoutLabels_HasNone()
    {
        Save("train-images-idx3-ubyte", Idx([1, 1, 1], 9), packed: false);

        Assert.Equal(-1, IdxImages.Open(temp.Path, test: false).LabelOf(0));
    }

    [Fact]
    public void IdxImages_PackedWithMoreThanDeclared_ReadsOnlyTheDeclared()
    {
        Save("train-images-idx3-ubyte", [.. Idx([1, 1, 1], 9), .. new byte[50_000_000]], packed: true);

        Assert.Equal([9, 9, 9], IdxImages.Open(temp.Path, test: false).Read(0).Image.Pixels);
    }

    [Theory]
    [InlineData(int.MaxValue, 28, 28)]
    [InlineData(1, 1 << 14, 1 << 17)]
    [InlineData(-1, 28, 28)]
    [InlineData(0, 1, 1)]
    [InlineData(3, 2, 2)]
    public void IdxImages_HeaderThatPromisesTooMuch_IsRefused(params int[] shape)
    {
        Save("train-images-idx3-ubyte", Idx(shape, 1, 2, 3), packed: false);

        Assert.Contains(
            "train-images",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Fact]
    public void IdxImages_AnImageTooLargeForItsRgb_IsRefused()
    {
        Save("train-images-idx3-ubyte", [.. Idx([1, 1 << 13, 1 << 12]), .. new byte[1 << 25]], packed: true);

        Assert.Contains(
            "8192 x 4096",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Fact]
    public void IdxImages_OtherNumberOfLabels_IsRefused()
    {
        Save("train-images-idx3-ubyte", Idx([1, 1, 1], 9), packed: false);
        Save("train-labels-idx1-ubyte", Idx([2], 1, 2), packed: false);

        Assert.Contains(
            "2 labels for 1 images",
            Assert.Throws<DataSourceException>(() => IdxImages.Open(temp.Path, test: false)).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void IdxImages_OfDamagedBytes_OpensOrIsRefused(bool packed)
    {
        var random = new Random(2);
        var whole = Idx([2, 3, 3], new byte[18]);
        for (var i = 0; i < 300; i++)
        {
            var bytes = whole[..random.Next(Math.Max(1, whole.Length - 10), whole.Length + 1)];
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Save("train-images-idx3-ubyte", bytes, packed);
            if (packed)
            {
                var file = File.ReadAllBytes(temp["train-images-idx3-ubyte.gz"]);
                file[random.Next(file.Length)] ^= (byte)(1 << random.Next(8));
                temp.Write("train-images-idx3-ubyte.gz", file);
            }

            Fuzz.OpensOrIsRefused(() => IdxImages.Open(temp.Path, test: false));
        }
    }

    private static byte[] Idx(int[] shape, params byte[] values) =>
        [0, 0, 8, (byte)shape.Length, .. shape.SelectMany(size => BitConverter.GetBytes(size).Reverse()), .. values];

    private void Save(string name, byte[] bytes, bool packed)
    {
        if (!packed)
        {
            temp.Write(name, bytes);
            return;
        }

        using var file = new MemoryStream();
        using (var gzip = new GZipStream(file, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        temp.Write(name + ".gz", file.ToArray());
    }
}
