using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class CifarBinaryTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("cifar10:", "cifar-10-batches-bin", "data_batch_1.bin", "test_batch.bin", 3073)]
    [InlineData("cifar100:", "cifar-100-binary", "train.bin", "test.bin", 3074)]
    public void Cifar_FolderAroundTheArchivesOwn_IsLookedInto(
        string kind, string folder, string train, string test, int record)
    {
        temp.Write($"{folder}/{train}", new byte[2 * record]);
        temp.Write($"{folder}/{test}", new byte[record]);

        var (first, second) = DataSource.Open(kind + temp.Path, null);

        Assert.Equal((2, 1), (first.Count, second!.Count));
    }

    [Fact]
    public void Cifar_Archive_IsSaidToBeOne()
    {
        var message = MessageOf($"cifar10:{temp.Write("cifar-10-binary.tar.gz", 0x1F, 0x8B, 8, 0)}");

        Assert.Contains("It is a gzip archive. Unpack it first.", message);
        Assert.Contains("cifar-10-batches-bin", message);
    }

    [Theory]
    [InlineData("cifar10:", "cifar-10-batches-py/data_batch_1", "the Python version")]
    [InlineData("cifar100:", "train", "the Python version")]
    [InlineData("cifar10:", "cifar-10-binary.tar.gz", "unpack cifar-10-binary.tar.gz")]
    [InlineData("cifar10:", "data_batch_1.mat", "the MATLAB version")]
    [InlineData("cifar10:", "train.bin", "give cifar100:")]
    [InlineData("cifar100:", "data_batch_1.bin", "give cifar10:")]
    public void Cifar_FolderOfAnotherVersion_IsSaidToBeThat(string kind, string file, string told)
    {
        temp.Write(file, 0x80, 2, 3, 4);

        Assert.Contains(told, MessageOf(kind + temp.Path));
    }

    private static string MessageOf(string source) =>
        Assert.Throws<DataSourceException>(() => DataSource.Open(source, null)).Message;

    [Fact]
    public void CifarBinary_TurnsPlanesIntoPixels()
    {
        var record = Record([3]);
        record[1 + 33] = 11; // red of row 1, column 1
        record[1 + 1024 + 33] = 22;
        record[1 + 2048 + 33] = 33;
        temp.Write("data_batch_1.bin", record);

        var (image, label) = CifarBinary.Open(temp.Path, hundred: false, test: false).Read(0);

        Assert.Equal(3, label);
        Assert.Equal([11, 22, 33], image.Pixels[(3 * 33)..(3 * 34)]);
        Assert.Equal(66, image.Pixels.Sum(value => value));
    }

    [Fact]
    public void CifarBinary_JoinsBatches_AndNamesFileAndRecord()
    {
        temp.Write("data_batch_2.bin", Record([5]));
        temp.Write("data_batch_1.bin", [.. Record([1]), .. Record([2])]);
        temp.Write("test_batch.bin", Record([9]));
        temp.Write("batches.meta.txt", "c0\nc1\nc2\nc3\nc4\nc5\nc6\nc7\nc8\nc9\n\n");

        var train = CifarBinary.Open(temp.Path, hundred: false, test: false);

        Assert.Equal([1, 2, 5], Enumerable.Range(0, train.Count).Select(train.LabelOf));
        Assert.Equal("data_batch_1.bin#1", train.NameOf(1));
        Assert.Equal("data_batch_2.bin#0", train.NameOf(2));
        Assert.Equal("c9", train.ClassNames[9]);
        Assert.Equal(9, CifarBinary.Open(temp.Path, hundred: false, test: true).LabelOf(0));
    }

    [Fact]
    public void CifarBinary_Hundred_TakesTheFineLabel()
    {
        temp.Write("train.bin", Record([4, 71]));

        var set = CifarBinary.Open(temp["train.bin"], hundred: true, test: false);

        Assert.Equal(71, set.LabelOf(0));
        Assert.Equal(100, set.ClassNames.Count);
    }

    [Fact]
    public void CifarBinary_LabelOutOfRange_NamesTheRecord()
    {
        var file = temp.Write("data_batch_1.bin", [.. Record([1]), .. Record([10])]);

        var message = Assert
            .Throws<DataSourceException>(() => CifarBinary.Open(temp.Path, hundred: false, test: false))
            .Message;

        Assert.Contains(file, message);
        Assert.Contains("record 1 has label 10", message);
    }

    [Fact]
    public void CifarBinary_CutShortOrMissing_IsRefused()
    {
        Assert.Contains("no such folder", Refused("gone"));
        Directory.CreateDirectory(temp["empty"]);
        Assert.Contains("data_batch_*.bin", Refused("empty"));
        temp.Write("cut.bin", Record([1])[..^1]);
        Assert.Contains("multiple of 3073", Refused("cut.bin"));
    }

    [Fact]
    public void CifarBinary_OfAnyBytes_OpensOrIsRefused()
    {
        var random = new Random(1);
        var opened = 0;
        for (var i = 0; i < 200; i++)
        {
            var hundred = i % 2 == 1;
            var bytes = new byte[(random.Next(3) * (hundred ? 3074 : 3073)) + (i % 4 == 0 ? random.Next(3) : 0)];
            random.NextBytes(bytes.AsSpan(0, Math.Min(bytes.Length, 2)));
            opened += Fuzz.OpensOrIsRefused(() => CifarBinary.Open(temp.Write("x.bin", bytes), hundred, test: false))
                ? 1
                : 0;
        }

        Assert.InRange(opened, 1, 199);
    }

    [Fact]
    public void CifarBinary_TheRealSet_HasTenEvenClasses()
    {
        var folder = Environment.GetEnvironmentVariable("MOCOSHARP_DATA");
        Assert.SkipUnless(folder is not null && Directory.Exists(folder), "MOCOSHARP_DATA names no folder");
        var file = Directory.GetFiles(folder!, "data_batch_*.bin", SearchOption.AllDirectories).FirstOrDefault();
        Assert.SkipWhen(file is null, "no CIFAR-10 below MOCOSHARP_DATA");

        var set = CifarBinary.Open(Path.GetDirectoryName(file)!, hundred: false, test: false);

        Assert.Equal(10, Enumerable.Range(0, set.Count).Select(set.LabelOf).Distinct().Count());
    }

    private static byte[] Record(byte[] labels) => [.. labels, .. new byte[3072]];

    private string Refused(string name) =>
        Assert.Throws<DataSourceException>(() => CifarBinary.Open(temp[name], hundred: false, test: false)).Message;
}
