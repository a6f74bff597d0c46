using System.IO.Compression;
using System.Text.Json;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.PyTorchFiles;

public sealed class TorchFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public static TheoryData<string> RealFiles => [.. Expected().Keys];

    [Theory]
    [MemberData(nameof(RealFiles))]
    public void ARealFile_HoldsWhatPyTorchFindsInIt(string name)
    {
        using var scope = NewDisposeScope();
        using var file = TorchFile.Read(Path.Combine(TestData.Checkpoints(), name));

        Assert.Equal(Expected()[name], TreeText.Describe(file.Root));
    }

    [Fact]
    public void EveryRealFile_IsReadOrRefusedHere()
    {
        var root = TestData.Checkpoints();
        var names = Directory
            .GetFiles(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path).Replace('\\', '/'));
        string[] others =
        [
            "torchscript_model_fp32.pt", "quantized_int8_statedict.pth", "truncated_resnet18-f37072fd.pth",
            "truncated_legacytar_resnet18-5c106cde.pth",
            "pybridge/pickled_tensors/tensors.safetensors", "pybridge/pickled_modules/module_load.safetensors"];
        Assert.Equal(
            [.. Expected().Keys.Concat(others).Order(StringComparer.Ordinal)],
            names.Order(StringComparer.Ordinal));

        using var scope = NewDisposeScope();
        using var tensors = SafeTensors.Read(Path.Combine(root, others[4]));
        using var same = TorchFile.Read(Path.Combine(root, "pybridge/pickled_tensors/tensors.pth"));
        Assert.Equal(2, tensors.Tensors.Count);
        Assert.All(
            ((PickleDictionary)same.Root).Tensors(),
            item => Assert.True(tensors.Tensors[item.Key].eq(item.Value.Tensor).all().item<bool>()));
        using var module = SafeTensors.Read(Path.Combine(root, others[5]));
        Assert.Equal(
            [
                [2, 5],
                [2, 2],
            ],
            module.Tensors.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => item.Value.shape));
    }

    [Theory]
    [InlineData("torchscript_model_fp32.pt", "TorchScript")]
    [InlineData("quantized_int8_statedict.pth", "quantized")]
    [InlineData("truncated_resnet18-f37072fd.pth", "cut short, at 579901 bytes")]
    [InlineData("truncated_legacytar_resnet18-5c106cde.pth", "tar format")]
    [InlineData("pybridge/pickled_tensors/tensors.safetensors", "safetensors")]
    public void AFileOfAnotherKind_IsRefused_ForItsOwnReason(string name, string reason)
    {
        var path = Path.Combine(TestData.Checkpoints(), name);

        var error = Assert.Throws<InvalidDataException>(() => TorchFile.Read(path));

        Assert.StartsWith(path, error.Message);
        Assert.Contains(reason, error.Message);
    }

    [Theory]
    [InlineData(TorchFormat.Zip)]
    [InlineData(TorchFormat.Legacy)]
    public void ATree_ComesBackAsItWas(TorchFormat format)
    {
        for (var seed = 0; seed < 100; seed++)
        {
            using var scope = NewDisposeScope();
            var tree = new RandomTrees(seed).Next(withFloats: true);
            var path = Path.Combine(folder, "file.pth");
            TorchFile.Write(path, tree, format);
            using var file = TorchFile.Read(path);

            Assert.Equal(format, file.Format);
            Assert.Equal(TreeText.Describe(tree), TreeText.Describe(file.Root));
        }
    }

    [Fact]
    public void ArraysOfNumPy_ComeBackAsTheyWere()
    {
        using var scope = NewDisposeScope();
        var tree = new PickleDictionary
        {
            ["model"] = new PickleDictionary
            {
                ["a"] = rand(3, 4).t(),
                ["b"] = tensor(5L),
                ["c"] = zeros(0, 2),
            },
            ["__author__"] = "me",
            ["flag"] = true,
        };
        var path = Path.Combine(folder, "file.pkl");
        TorchFile.Write(path, tree, TorchFormat.Pickle);
        using var file = TorchFile.Read(path);

        Assert.Equal(TorchFormat.Pickle, file.Format);
        Assert.Equal(TreeText.Describe(tree), TreeText.Describe(file.Root));
        Assert.Contains(
            "convert",
            Assert
                .Throws<ArgumentException>(() => TorchFile.Write(path, zeros(1).to(bfloat16), TorchFormat.Pickle))
                .Message);
    }

    [Theory]
    [InlineData(TorchFormat.Zip)]
    [InlineData(TorchFormat.Legacy)]
    public void TheSameTree_GivesTheSameBytes_AndStoresASharedTensorOnce(TorchFormat format)
    {
        using var scope = NewDisposeScope();
        var (values, again) = (rand(1000), new PickleDictionary());
        var tree = new PickleDictionary { ["a"] = values, ["b"] = values.view(10, 100), ["c"] = again };
        TorchFile.Write(Path.Combine(folder, "a"), tree, format);
        TorchFile.Write(Path.Combine(folder, "b"), tree, format);

        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "a")), File.ReadAllBytes(Path.Combine(folder, "b")));
        Assert.InRange(new FileInfo(Path.Combine(folder, "a")).Length, 4000, 5500);
        using var file = TorchFile.Read(Path.Combine(folder, "a"));
        var read = (PickleDictionary)file.Root;
        ((PickleTensor)read["a"]).Tensor[5] = 7f;
        Assert.Equal(7f, ((PickleTensor)read["b"]).Tensor[0][5].item<float>()); // one storage, as it was saved
    }

    [Fact]
    public void AMappedTensor_ChangesInMemoryAlone()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "file.pth");
        TorchFile.Write(path, new PickleDictionary { ["a"] = ones(4) });
        var before = File.ReadAllBytes(path);
        using (var file = TorchFile.Read(path))
        {
            ((PickleTensor)((PickleDictionary)file.Root)["a"]).Tensor.fill_(3);
        }

        Assert.Equal(before, File.ReadAllBytes(path));
    }

    // Its pages may be in memory while they are read; nothing is copied.
    [Fact]
    public void AGigabyte_IsReadWithinLessThanTwo()
    {
        Assert.SkipWhen(
            Environment.GetEnvironmentVariable("MOCOSHARP_SLOW") != "1" || !File.Exists("/proc/self/status"),
            "1 GB through the disk: MOCOSHARP_SLOW=1 runs it, on Linux");
        var path = Path.Combine(folder, "large.pth");
        using (var values = torch.ones(1L << 28))
        {
            TorchFile.Write(path, new PickleDictionary { ["weight"] = values });
        }

        File.WriteAllText("/proc/self/clear_refs", "5"); // begins VmHWM anew
        var before = Peak();
        using var scope = torch.NewDisposeScope();
        using var file = TorchFile.Read(path);
        var tensor = ((PickleTensor)((PickleDictionary)file.Root)["weight"]).Tensor;
        Assert.Equal(1L << 28, tensor.sum().item<float>());
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"1 GB read and summed: {(Peak() - before) >> 20} MB more at most");
        Assert.InRange(Peak() - before, 0, 1200L << 20);

        static long Peak() =>
            long.Parse(
                File.ReadLines("/proc/self/status")
                    .First(line => line.StartsWith("VmHWM", StringComparison.Ordinal))
                    .Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
            System.Globalization.CultureInfo.InvariantCulture) << 10;
    }

    [Fact]
    public void TensorsOfAFile_EndWithIt()
    {
        var path = Path.Combine(folder, "file.pth");
        using (NewDisposeScope())
        {
            TorchFile.Write(path, new RandomTrees(3).Next(withFloats: true));
            TorchFile.Write(path + ".legacy", new RandomTrees(3).Next(withFloats: true), TorchFormat.Legacy);
            TorchFile.Write(path + ".pkl", new PickleDictionary { ["a"] = rand(3, 2).t() }, TorchFormat.Pickle);
        }

        foreach (var name in new[] { path, path + ".legacy", path + ".pkl" })
        {
            var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            using (var file = TorchFile.Read(name))
            {
                _ = TreeText.Describe(file.Root).Count();
                Assert.True(DisposeScopeManager.Statistics.ThreadTotalLiveCount > before);
            }

            Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }
    }

    [Fact]
    public void AZip64File_IsRead()
    {
        using var scope = NewDisposeScope();
        var tree = new RandomTrees(11).Next(withFloats: true);
        var path = Path.Combine(folder, "wide.pth");
        using (var stream = File.Create(path))
        {
            TorchZip.Write(stream, tree, wideFrom: 0);
        }

        using (var file = TorchFile.Read(path))
        {
            Assert.Equal(TreeText.Describe(tree), TreeText.Describe(file.Root));
        }

        using var zip = ZipFile.OpenRead(path); // another reader of zip files agrees
        Assert.Equal("3\n", new StreamReader(zip.GetEntry("archive/version")!.Open()).ReadToEnd());
    }

    [Fact]
    public void ACompressedOrUnalignedFile_IsReadToo()
    {
        using var scope = NewDisposeScope();
        var tree = new RandomTrees(12).Next(withFloats: true);
        var path = Path.Combine(folder, "file.pth");
        TorchFile.Write(path, tree);
        foreach (var level in new[] { CompressionLevel.NoCompression, CompressionLevel.Optimal })
        {
            var packed = Path.Combine(folder, "packed.pth");
            File.Delete(packed);
            using (var from = ZipFile.OpenRead(path))
            using (var into = ZipFile.Open(packed, ZipArchiveMode.Create))
            {
                foreach (var entry in from.Entries)
                {
                    using var content = entry.Open();
                    using var target = into.CreateEntry("x" + entry.FullName, level).Open();
                    content.CopyTo(target);
                }
            }

            using var file = TorchFile.Read(packed);
            Assert.Equal(TreeText.Describe(tree), TreeText.Describe(file.Root));
        }
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Dictionary<string, string[]> Expected() =>
        JsonSerializer.Deserialize<Dictionary<string, string[]>>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "checkpoints.json"))
        )!;
}
