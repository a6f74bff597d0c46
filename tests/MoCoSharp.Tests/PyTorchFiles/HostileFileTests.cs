using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

/// <summary>Files that were made to do harm: each is refused by name, and nothing of it happens.</summary>
public sealed class HostileFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Theory]
    [InlineData("\u0080\u0002cposix\nsystem\nX\x04\0\0\0true\x85R.", "posix.system")]
    [InlineData("\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system")]
    [InlineData("cos\nsystem\n(S'true'\ntR.", "os.system")]
    [InlineData("(S'true'\nios\nsystem\n.", "0x53")]
    [InlineData("\u0080\u0002(X\x04\0\0\0trueios\nsystem\n.", "os.system")]
    [InlineData("\u0080\u0002c__builtin__\neval\nX\x01\0\0\01\x85R.", "__builtin__.eval")]
    [InlineData("\u0080\u0002cbuiltins\ngetattr\n.", "builtins.getattr")]
    [InlineData("\u0080\u0002csubprocess\nPopen\n.", "subprocess.Popen")]
    [InlineData("\u0080\u0002cfunctools\npartial\n.", "functools.partial")]
    [InlineData("\u0080\u0002ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes")]
    [InlineData("\u0080\u0002ctorch.nn.modules.linear\nLinear\n)\x81}b.", "torch.nn.modules.linear.Linear")]
    [InlineData("\u0080\u0002ctorch._utils\n_rebuild_sparse_tensor\n.", "sparse")]
    [InlineData("\u0080\u0002ccollections\nOrderedDict.__init__\n.", "collections.OrderedDict.__init__")]
    [InlineData("\u0080\u0002\x82\x01.", "0x82")] // EXT1: the extension registry
    [InlineData("\u0080\u0002Pevil\n.", "0x50")]                                           // PERSID
    public void APickleThatAsksForMoreThanData_IsRefusedByName(string pickle, string name)
    {
        var content = Encoding.Latin1.GetBytes(pickle);
        foreach (var path in new[] { Bare(content), Zip(("archive/data.pkl", content)), Legacy(content) })
        {
            var error = Assert.Throws<InvalidDataException>(() => TorchFile.Read(path));
            Assert.StartsWith(path, error.Message);
            Assert.Contains(name, error.Message);
        }
    }

    [Theory]
    [InlineData("\u0080\u0002]q\0h\0a.", "contains itself")]                               // a list in itself
    [InlineData("\u0080\u0002}q\0X\x01\0\0\0ah\0s.", "contains itself")]                   // a dictionary in itself
    [InlineData("\u0080\u0002X\xff\xff\xff\xff.", "bytes")]                                // a text of 4 GB
    [InlineData("\u0080\u0002\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "bytes")]             // one of 16 EB
    [InlineData("\u0080\u0002\x8b\x00\x10\0\0.", "integer of 4096")]
    [InlineData("\u0080\u0002h\x05.", "did not remember")]
    [InlineData("\u0080\u0002j\xff\xff\xff\xff.", "did not remember")]
    [InlineData("\u0080\u0002e.", "mark")]
    [InlineData("\u0080\u0002.", "where there is none")]
    [InlineData("\u0080\u0002(NN\x86.", "left over")]
    [InlineData("\u0080\u0002NN.", "left over")]
    [InlineData("\u0080\u0002N", "cut short")]
    [InlineData("\u0080\u0002}(NNNu.", "no value")]
    [InlineData("\u0080\u0002}]Ns.", "key")]
    [InlineData("\u0080\u0002}N(a.", "none")]
    [InlineData("\u0080\u0002X\x01\0\0\0\xff.", "UTF-8")]
    [InlineData("\u0080\u0002ctorch\nFloatStorage\n.", "bare name")]
    [InlineData("\u0080\u0002NNR.", "not a name")]
    [InlineData("\x80\x09N.", "not a PyTorch file")]
    [InlineData("\u0080\u0002cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85K\0\x87R.", "no values")]
    public void ABrokenPickle_IsRefused(string pickle, string reason)
    {
        var path = Bare(Encoding.Latin1.GetBytes(pickle));

        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => TorchFile.Read(path)).Message);
    }

    [Fact]
    public void Nesting_IsBounded()
    {
        var path = Bare([
            0x80,
            2,
            .. Enumerable.Repeat((byte)']', 1_000_000),
            .. Enumerable.Repeat((byte)'a', 999_999),
            (byte)'.',
        ]);

        Assert.Contains("deep", Assert.Throws<InvalidDataException>(() => TorchFile.Read(path)).Message);
    }

    [Fact]
    public void ATreeThatGrowsByRepetition_IsRefused()
    {
        var pickle = new List<byte> { 0x80, 2, (byte)'N', 0x86 - 1 };
        for (byte i = 0; i < 40; i++)
        {
            pickle.AddRange([(byte)'q', i, (byte)'h', i, 0x86]); // (x, x), 40 times: 2^40 leaves
        }

        Assert.Contains(
            "shared",
            Assert.Throws<InvalidDataException>(() => TorchFile.Read(Bare([.. pickle, (byte)'.']))).Message);
    }

    [Theory]
    [InlineData("torch\nFloatStorage", 4, "K\x04", "K\x01", "K\0", null)]                                    // 4 of 4
    [InlineData("torch\nFloatStorage", 4, "K\x05", "K\x01", "K\0", "outside")]                               // 5 of 4
    [InlineData("torch\nFloatStorage", 4, "K\x02", "K\x04", "K\0", "outside")] // a stride over the end
    [InlineData("torch\nFloatStorage", 4, "K\x01", "K\x01", "K\x04", "outside")] // an offset behind it
    [InlineData("torch\nFloatStorage", 4, "J\xff\xff\xff\xff", "K\x01", "K\0", "is invalid")] // a negative size
    [InlineData("torch\nFloatStorage", 4, "K\x01", "J\xff\xff\xff\xff", "K\0", "is invalid")] // a negative stride
    // a negative offset
    [InlineData("torch\nFloatStorage", 4, "K\x01", "K\x01", "J\xff\xff\xff\xff", "is invalid")]
    [InlineData("torch\nFloatStorage", 4, "J\xff\xff\xff\x7f", "K\0", "K\0", "expands")] // 8 GB out of 4 bytes
    [InlineData("torch\nFloatStorage", 4, "\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "K\0", "K\0", "64 bits")]
    [InlineData("torch\nFloatStorage", 5, "K\x04", "K\x01", "K\0", "16 bytes, expected 5")] // more than the entry has
    [InlineData("torch\nDoubleStorage", 4, "K\x04", "K\x01", "K\0", "16 bytes, expected 4")]
    [InlineData("torch\nQInt8Storage", 16, "K\x04", "K\x01", "K\0", "quantized")]
    public void ATensor_LiesInsideItsStorage(
        string type, byte count, string size, string stride, string offset, string? reason)
    {
        var pickle = Encoding.Latin1.GetBytes(
            "\u0080\u0002"
                + "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagec"
                + type
                + $"\nX\x01\0\0\00X\x03\0\0\0cpuK{(char)count}tQ{offset}{size}\x85{stride}\x85\x89"
                + "ccollections\nOrderedDict\n)RtR.");
        var path = Zip(("archive/data.pkl", pickle), ("archive/data/0", new byte[16]));
        if (reason is null)
        {
            using var file = TorchFile.Read(path);
            Assert.Equal(4, ((PickleTensor)file.Root).Tensor.numel());
        }
        else
        {
            Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => TorchFile.Read(path)).Message);
        }
    }

    [Fact]
    public void AZipWithoutPickle_BigEndian_OrOfAModel_IsRefused()
    {
        byte[] none = [0x80, 2, (byte)'N', (byte)'.'];
        Refused(Zip(("archive/other", none)), "0 entries named */data.pkl");
        Refused(Zip(("a/data.pkl", none), ("b/data.pkl", none)), "2 entries named */data.pkl");
        Refused(Zip(("archive/data.pkl", none), ("archive/byteorder", "big"u8.ToArray())), "big-endian");
        Refused(Zip(("archive/data.pkl", none), ("archive/constants.pkl", none)), "TorchScript");
        Refused(Zip(("archive/../data.pkl", none)), "name");
        Refused(Zip(("/etc/data.pkl", none)), "name");
        Refused(Bare([]), "empty");
        Refused(Bare("<html>404</html>"u8.ToArray()), "not a PyTorch file");
    }

    [Fact]
    public void AZipThatLies_IsRefused()
    {
        byte[] none = [0x80, 2, (byte)'N', (byte)'.'];
        var whole = File.ReadAllBytes(Zip(("archive/data.pkl", none), ("archive/data/0", new byte[100])));
        var end = whole.Length - 22;
        var directory = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(end + 16));
        var second =
            directory
            + 46
            + "archive/data.pkl".Length
            + BinaryPrimitives.ReadUInt16LittleEndian(whole.AsSpan(directory + 30));

        Refused(Changed(end + 10, 0xffff, size: 2), "does not fit");                       // 65535 entries
        Refused(Changed(end + 16, 0x7fffffff, size: 4), "does not fit");                   // a directory behind the end
        Refused(Changed(second + 42, 0, size: 4), "overlap");                              // both entries at one place
        Refused(Changed(second + 24, 0x7fffffff, size: 4), "claims");                      // 2 GB out of 100 bytes
        Refused(Changed(second + 42, 0x7fffffff, size: 4), "after the zip directory");
        Refused(Bare(whole[..^1]), "cut short");

        string Changed(int at, int value, int size)
        {
            var copy = whole.ToArray();
            BitConverter.GetBytes(value).AsSpan(0, size).CopyTo(copy.AsSpan(at));
            return Bare(copy);
        }
    }

    [Theory]
    [InlineData(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 102530333\n",
        "it is a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`."
    )]
    [InlineData("<!DOCTYPE html><html><head><title>Virus scan warning</title></head></html>", "it is an HTML page")]
    [InlineData("\u001f\u008b\u0008\0\0\0\0\0", "it is a gzip archive. Unpack it first.")]
    [InlineData("\u0089HDF\r\n\u001a\n", "it is an HDF5 file")]
    [InlineData("\u0093NUMPY\u0001\0", "it is a NumPy array")]
    [InlineData("\u0008\u0008\u0012\u0007pytorch\u001a\u00052.3.0:", "it is an ONNX model")]
    [InlineData("{\"message\": \"Not Found\"}", "it is a JSON text")]
    [InlineData(
        "404: Not Found",
        "it is a text that begins with \"404: Not Found\". Did the download return a message instead of the file?"
    )]
    [InlineData("", "it is empty")]
    [InlineData("\u0001\u0002\u0003\u0004", "it begins with 01020304.")]
    public void AnotherKindOfFile_IsNamedByItsFirstBytes(string content, string reason) =>
        Refused(Bare(Encoding.Latin1.GetBytes(content)), reason);

    [Fact]
    public void AnArchive_IsNamed_WithWhatIsInIt()
    {
        Refused(
            Zip(("weights/model.pth", [1]), ("weights/readme.txt", [2])),
            "an archive, with weights/model.pth, weights/readme.txt. Unpack it");
        Refused(Zip(("conv1.npy", [1])), "a NumPy archive (.npz)");

        var tar = new byte[1024];
        Encoding.ASCII.GetBytes("model.pth").CopyTo(tar, 0);
        Encoding.ASCII.GetBytes("ustar").CopyTo(tar, 257);
        Refused(Bare(tar), "it is a tar archive. Unpack it first.");

        tar.AsSpan(0, 100).Clear();
        Encoding.ASCII.GetBytes("sys_info").CopyTo(tar, 0);
        Refused(Bare(tar), "the tar format of PyTorch 0.1");
    }

    [Fact]
    public void ATreeThatNamesTooMuch_IsRefused()
    {
        using var scope = NewDisposeScope();
        PickleValue shared = new PickleDictionary { ["a"] = ones(1) };
        for (var level = 0; level < 18; level++)
        {
            shared = new PickleDictionary { ["left"] = shared, ["right"] = shared }; // 262,144 paths to one tensor
        }

        Assert.Contains(
            "a file: holds more than 200000 tensors",
            Assert.Throws<InvalidDataException>(() => TensorPaths.Of("a file", shared)).Message);
    }

    [Fact]
    public void ALegacyFile_CutShortOrBigEndian_IsRefused()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "legacy");
        TorchFile.Write(path, new PickleDictionary { ["a"] = rand(100), ["b"] = rand(10) }, TorchFormat.Legacy);
        var whole = File.ReadAllBytes(path);
        for (var length = 16; length < whole.Length; length += 7)
        {
            var cut = Bare(whole[..length]);
            Assert.StartsWith(cut, Assert.Throws<InvalidDataException>(() => TorchFile.Read(cut)).Message);
        }

        var little = whole.AsSpan().IndexOf("little_endian"u8) + "little_endian".Length;
        whole[little] = 0x89;
        Refused(Bare(whole), "big-endian");
    }

    [Fact]
    public void AMaliciousFileOfPyTorch_IsRefused_AndWouldHaveActed()
    {
        var marker = Path.Combine(folder, "marker");
        PyTorch.Run("malicious.py", "save", folder, marker);
        foreach (var name in new[] { "zip.pth", "legacy.pth", "bare.pkl" })
        {
            Refused(Path.Combine(folder, name), "posix.system");
            Assert.False(File.Exists(marker));
        }

        PyTorch.Run("malicious.py", "load", folder); // the file is no dummy
        Assert.True(File.Exists(marker));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static void Refused(string path, string reason)
    {
        var error = Assert.Throws<InvalidDataException>(() => TorchFile.Read(path));
        Assert.StartsWith(path, error.Message);
        Assert.Contains(reason, error.Message);
    }

    private string Bare(byte[] content)
    {
        var path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(path, content);
        return path;
    }

    private string Legacy(byte[] pickle) =>
        Bare([
            .. TorchLegacy.Start, 0x80, 2, (byte)'M', 0xe9, 3, (byte)'.',
            .. Encoding.Latin1.GetBytes("\u0080\u0002}X\x0d\0\0\0little_endian\x88s."),
            .. pickle,
        ]);

    private string Zip(params (string Name, byte[] Content)[] entries)
    {
        var path = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        using var stream = File.Create(path);
        using var zip = new ZipWriter(stream, uint.MaxValue);
        foreach (var (name, content) in entries)
        {
            zip.Add(name, content.Length, write => write(content));
        }

        zip.Finish();
        return path;
    }
}
