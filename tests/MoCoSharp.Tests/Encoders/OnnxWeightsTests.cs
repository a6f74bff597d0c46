using System.Reflection;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Tests.Export;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Encoders;

/// <summary>ResNets in ONNX files of MoCoSharp, PyTorch and others; ONNX Runtime or PyTorch is the judge.</summary>
public sealed class OnnxWeightsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Theory]
    [InlineData(10, EncoderStem.Small, EncoderHead.Mlp)]
    [InlineData(18, EncoderStem.Cifar, EncoderHead.Linear)]
    [InlineData(20, EncoderStem.ImageNet, EncoderHead.None)]
    [InlineData(34, EncoderStem.ImageNet, EncoderHead.Mlp)]
    [InlineData(50, EncoderStem.Small, EncoderHead.Linear)]
    [InlineData(152, EncoderStem.ImageNet, EncoderHead.None)]
    [InlineData(10, EncoderStem.Small, EncoderHead.Mlp, 50)]
    public void AnExport_ComesBackToTheBit(int depth, EncoderStem stem, EncoderHead head, int? headWidth = null)
    {
        using var trained = Trained.New(
            new EncoderOptions { Depth = depth, Width = 4, Stem = stem, Head = head, HeadWidth = headWidth });
        var withHead = head != EncoderHead.None;

        using var weights = Read(Exported(trained, withHead, fold: false));

        Assert.Equal((depth, 4, stem), (weights.Encoder.Depth, weights.Encoder.Width, weights.Encoder.Stem));
        Assert.Equal(headWidth, weights.Encoder.HeadWidth);
        Assert.Equal(withHead ? (head, 16) : (EncoderHead.Linear, null), (weights.Encoder.Head, weights.OutputSize));
        var expected = trained.Encoder.state_dict().Where(item => !EncoderShape.IsCounter(item.Key)).ToList();
        Assert.Equal(expected.Count, weights.Query.Count);
        Assert.All(expected, item => Assert.True(item.Value.eq(weights.Query[item.Key]).all().item<bool>(), item.Key));
        Assert.Empty(weights.Ignored);
        Assert.DoesNotContain(ForeignWeights.FoldedNorms, weights.Missing);
    }

    [Theory]
    [InlineData(18, EncoderStem.Small)]
    [InlineData(50, EncoderStem.ImageNet)]
    public void AnExportWithFoldedBatchNorm_GivesTheSameFeatures_AndSaysWhatIsLost(int depth, EncoderStem stem)
    {
        using var trained = Trained.New(new EncoderOptions { Depth = depth, Width = 8, Stem = stem });
        var path = Path.Combine(folder, "a.onnx");
        File.WriteAllBytes(path, Exported(trained, withHead: true, fold: true));

        using var read = TrainedEncoder.Load(path);

        Assert.InRange(ExportCheck.Difference(trained, withHead: false, read.Encoder.Features), 0, 1e-5);
        Assert.InRange(ExportCheck.Difference(trained, withHead: true, read.Encoder.call), 0, 1e-5);
        using var weights = ForeignWeights.Read(path);
        Assert.Contains(ForeignWeights.FoldedNorms, weights.Missing);
    }

    [Theory]
    [InlineData(ViewRecipe.MoCoV2, 40)]
    [InlineData(ViewRecipe.CifarDemo, 32)]
    public void AnExport_BringsItsPreparation(ViewRecipe recipe, int size)
    {
        using var plain = Trained.New(new EncoderOptions { Depth = 10, Width = 4, Stem = EncoderStem.Small });
        var views = new ViewOptions
        {
            Recipe = recipe,
            Size = size,
            Mean = [0.5f, 0.25f, 0.125f],
            Std = [0.3f, 0.2f, 0.1f],
        };
        var path = Path.Combine(folder, "a.onnx");
        File.WriteAllBytes(path, Exported(plain with { Views = views }, withHead: false, fold: false));

        using var read = TrainedEncoder.Load(path);

        Assert.Equal(ViewRecipes.Evaluation(views).Describe(), ViewRecipes.Evaluation(read.Views).Describe());
    }

    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void PyTorchsExports_GiveTorchvisionsOutputs(int depth)
    {
        PyTorch.Run("onnx_resnet.py", folder, $"{depth}");
        using var file = TorchFile.Read(Path.Combine(folder, "case.pth"));
        var parts = (PickleDictionary)file.Root;
        Tensor Part(string name) => ((PickleTensor)parts[name]).Tensor;
        foreach (var name in new[] { "folded.onnx", "kept.onnx" })
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            using var read = TrainedEncoder.Load(Path.Combine(folder, name));

            Assert.Equal((depth, 10), (read.Encoder.Options.Depth, read.Encoder.OutputSize));
            var difference = (read.Encoder.call(Part("images")) - Part("expected")).abs().max();
            Assert.InRange((difference / Part("expected").abs().max()).item<float>(), 0, 1e-5);
            Assert.Equal((224, null), (read.Views.Size, read.Views.Mean));
        }
    }

    public static TheoryData<string> Spellings => [.. Spelled.Keys];

    private static Dictionary<string, Func<SmallOnnx>> Spelled => new()
    {
        ["plain"] = () => new SmallOnnx(),
        ["another epsilon"] = () => new SmallOnnx { Epsilon = 0.02f },
        ["a bias before BatchNorm"] = () => new SmallOnnx { HasBias = true },
        ["no BatchNorm"] = () => new SmallOnnx { Epsilon = null },
        ["uneven padding"] = () => new SmallOnnx { IsUneven = true },
        ["identities"] = () => new SmallOnnx { HasIdentities = true },
        ["average pooling of the whole"] = () => new SmallOnnx { Pool = "AveragePool" },
        ["a mean"] = () => new SmallOnnx { Pool = "ReduceMean" },
        ["a linear head"] = () => new SmallOnnx { Head = "Gemm" },
        ["a product and a sum"] = () => new SmallOnnx { Head = "MatMul" },
        ["a head of two layers"] = () => new SmallOnnx { Head = "Two" },
    };

    [Theory]
    [MemberData(nameof(Spellings))]
    public void EverySpelling_GivesTheOutputsOfOnnxRuntime(string spelling)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var path = Path.Combine(folder, "theirs.onnx");
        File.WriteAllBytes(path, Spelled[spelling]().File());
        var images = Golden.View(0, 0, float32, 2, 3, 64, 64);
        using var judge = new Onnx(File.ReadAllBytes(path));
        var expected = judge.Run(images);

        using var read = TrainedEncoder.Load(path);

        var hasHead = spelling.Contains("head") || spelling.Contains("product");
        var actual = hasHead ? read.Encoder.call(images) : read.Encoder.Features(images);
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange(((actual - expected).abs().max() / expected.abs().max()).item<float>(), 0, 1e-5);
    }

    [Fact]
    public void AHeadOfAnotherKind_IsLeftOut_AndNamed()
    {
        using var weights = Read(new SmallOnnx { Head = "Other" }.File());

        Assert.Null(weights.OutputSize);
        Assert.StartsWith("the head, which begins before Mul", Assert.Single(weights.Ignored));
        using var ends = Read(new SmallOnnx { Head = "GemmRelu" }.File());
        Assert.Null(ends.OutputSize); // the heads here end with a linear layer
        Assert.StartsWith("the head, which begins before Relu", Assert.Single(ends.Ignored));
        using var trained = Trained.New(
            new EncoderOptions { Depth = 10, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.MlpBn });
        using var ours = Read(Exported(trained, withHead: true, fold: false));
        Assert.Null(ours.OutputSize);
        Assert.Contains("BatchNormalization", Assert.Single(ours.Ignored));
    }

    // Against the same network in its own terms: blue, green, red of 0 to 255 minus the mean.
    [Fact]
    public void AModelOfCntk_TakesImagesNormalizedAsUsual()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var weights = Read(new SmallOnnx { Producer = "CNTK", IsUneven = true }.File());
        using var judge = new Onnx(new SmallOnnx { Producer = "CNTK", IsUneven = true }.File());
        var pixels = Golden.View(0, 0, float32, 2, 3, 64, 64).clamp(-2, 2) * 30 + 120; // [N, RGB, H, W]
        var theirs = pixels.flip(1) - OfChannels([103.06262f, 115.90288f, 123.15163f]);
        using var encoder = Loaded(weights);

        var (expected, actual) = (judge.Run(theirs), encoder.Features(Normalized(pixels, new ViewOptions())));

        // Beside the image lies another gray: the border differs a little.
        Assert.True(Cosine(expected, actual) > 0.9999, $"{Cosine(expected, actual)}");
        Assert.Contains("folded into the first layer", weights.Kind);
    }

    // The published ImageNet weights; a package of the test project.
    [Fact]
    public void MicrosoftsImageNetWeights_GiveTheFeaturesOfOnnxRuntime()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var path = ImageNetWeights();
        using var read = TrainedEncoder.Load(path);
        Assert.Equal("resnet20", read.Architecture);
        Assert.Equal(512, read.Encoder.FeatureSize);
        using var random = new Generator(1);
        var pixels = Photo(random); // [1, RGB, 224, 224]
        using var preparation = new Onnx(File.ReadAllBytes(
            Path.Combine(Path.GetDirectoryName(path)!, "..", "ResNetPrepOnnx", "ResNetPreprocess.onnx")));
        using var judge = new Onnx(File.ReadAllBytes(path));

        var expected = judge.Run(preparation.Run(pixels)).view(1, 512);

        var cosine = Cosine(expected, read.Encoder.Features(Normalized(pixels, read.Views)));
        Assert.True(cosine >= 0.998, $"{cosine}");
    }

    [Fact]
    public void WhatIsNoResNetOfOurs_IsRefusedByItsOperation()
    {
        Refused(new SmallOnnx { Other = (1, OnnxGraph.Attribute("group", 2L)) }, "is grouped");
        Refused(new SmallOnnx { Other = (2, OnnxGraph.Attribute("dilations", [2L, 2])) }, "is dilated");
        Refused(new SmallOnnx { Other = (1, OnnxGraph.Attribute("strides", [2L, 2])) }, "has stride 2, expected 1");
        Refused(new SmallOnnx { Other = (3, OnnxGraph.Attribute("strides", [1L, 1])) }, "has stride 1, expected 2");
        Refused(new SmallOnnx { Other = (0, OnnxGraph.Attribute("strides", [1L, 1])) }, "7x7 convolution of stride 1");
        Refused(new SmallOnnx { Other = (2, OnnxGraph.Attribute("pads", [0L, 0, 0, 0])) }, "expected 1 on each side");
        Refused(new SmallOnnx { Pool = "GlobalMaxPool" }, "GlobalMaxPool");
        Refused(new SmallOnnx { Pool = "ReduceMean", Axes = [1, 2] }, "ReduceMean");
        var whole = new SmallOnnx().File();
        Refused(Patched(whole, [0x10, 0x01, 0x42], [0x10, 0x0A, 0x42]), "is of type float16, expected float32");
        Refused(Patched(whole, [0x10, 0x01, 0x42], [0x70, 0x01, 0x42]), "external_data=False");
        Refused(Patched(whole, "Relu"u8, "Selu"u8), "is where a Relu should be");
        Refused(whole[..(whole.Length / 2)], "was it cut short?");
    }

    [Fact]
    public void APrefix_IsRefused()
    {
        File.WriteAllBytes(Path.Combine(folder, "a.onnx"), new SmallOnnx().File());

        var error = Assert.Throws<InvalidDataException>(() =>
            ForeignWeights.Read(Path.Combine(folder, "a.onnx"), prefix: "teacher"));

        Assert.Contains("leave out --prefix teacher", error.Message);
    }

    // By a fixed seed: half of the mutants are cut, half are changed, mostly among the operations.
    [Fact]
    public void AnyMutant_IsReadOrRefused_AndNeverMore()
    {
        var whole = new SmallOnnx { Head = "Gemm" }.File();
        var random = new Random(1);
        var read = 0;
        const int mutants = 2000;
        for (var i = 0; i < mutants; i++)
        {
            var mutant = i % 4 == 0 ? whole[..random.Next(1, whole.Length)] : whole.ToArray();
            for (var change = random.Next(1, 5); change > 0; change--)
            {
                mutant[random.Next(Math.Min(mutant.Length, random.Next(8) > 0 ? 4000 : mutant.Length))] =
                    random.Next(4) > 0 ? (byte)random.Next(256) : (byte)0xFF;
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            var tensors = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            try
            {
                OnnxWeights.Read(new MemoryStream(mutant), "a.onnx").Dispose();
                read++;
            }
            catch (InvalidDataException error)
            {
                Assert.StartsWith("a.onnx: ", error.Message);
                Assert.True(error.Message.Length < 1500, error.Message);
            }

            Assert.Equal(tensors, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3_000_000 + (50L * mutant.Length));
        }

        Assert.InRange(read, mutants / 100, mutants / 2);
    }

    // Restored by the build: see the project file.
    private static string ImageNetWeights()
    {
        var path = typeof(OnnxWeightsTests).Assembly
            .GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(item => item.Key == "ImageNetWeights")
            .Value!;
        Assert.True(File.Exists(path), $"{path} is missing: `dotnet restore` brings it");
        return path;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static byte[] Exported(TrainedEncoder trained, bool withHead, bool fold)
    {
        using var stream = new MemoryStream();
        OnnxExport.Write(stream, trained, withHead, fold);
        return stream.ToArray();
    }

    private static ForeignWeights Read(byte[] file) => OnnxWeights.Read(new MemoryStream(file), "a.onnx");

    private static void Refused(SmallOnnx model, string reason) => Refused(model.File(), reason);

    private static void Refused(byte[] file, string reason)
    {
        var error = Assert.Throws<InvalidDataException>(() => Read(file));
        Assert.StartsWith("a.onnx: ", error.Message);
        Assert.Contains(reason, error.Message);
    }

    private static byte[] Patched(byte[] file, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to)
    {
        var patched = file.ToArray();
        to.CopyTo(patched.AsSpan(file.AsSpan().IndexOf(from)));
        return patched;
    }

    private static Encoder Loaded(ForeignWeights weights)
    {
        using var random = new Generator(1);
        var encoder = new Encoder(weights.Encoder with { Head = EncoderHead.None }, 1, bnGroups: 1, random);
        foreach (var (name, value) in encoder.state_dict().Where(item => weights.Query.ContainsKey(item.Key)))
        {
            value.copy_(weights.Query[name]);
        }

        encoder.eval();
        return encoder;
    }

    // Pixels of 0 to 255, as the views give them to an encoder. Shape [N, RGB, H, W].
    private static Tensor Normalized(Tensor pixels, ViewOptions views)
    {
        var normalize = ViewRecipes.Evaluation(views).Normalize;
        return ((pixels / 255) - OfChannels(normalize.Mean)) / OfChannels(normalize.Std);
    }

    private static Tensor OfChannels(IEnumerable<float> values) => tensor(values.ToArray()).view(1, 3, 1, 1);

    private static float Cosine(Tensor first, Tensor second) =>
        nn.functional.cosine_similarity(first, second, dim: 1).min().item<float>();

    // Blobs of all sizes, as in a photo, with values of 0 to 255.
    private static Tensor Photo(Generator random)
    {
        var sum = zeros(1, 3, 224, 224);
        foreach (var size in new[] { 2, 7, 14, 28, 56, 112 })
        {
            sum += nn.functional.interpolate(
                randn([1, 3, size, size], generator: random), [224L, 224L], mode: InterpolationMode.Bilinear,
                align_corners: false) * Math.Min(40, 140.0 / size);
        }

        return (sum + 118).clamp(0, 255);
    }
}
