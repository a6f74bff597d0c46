using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Models;

/// <summary>Against torchvision: golden/resnet.py.</summary>
public sealed class EncoderTests
{
    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void Outputs_MatchTorchvision(int depth)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Open("resnet.safetensors");
        using var encoder = New(new EncoderOptions { Depth = depth, Head = "linear" }, 1000);
        encoder.to(float64);
        Fill(encoder);
        var images = Golden.View(0, 0, float64, 2, 3, 64, 64);

        using var noGrad = no_grad();
        encoder.eval();
        Near($"r{depth}.logits", encoder.call(images));
        Near($"r{depth}.eval_features", encoder.Features(images));
        encoder.train();
        Near($"r{depth}.train_features", encoder.Features(images));
        Near($"r{depth}.running_var", encoder.state_dict()["layer4.0.bn1.running_var"]);

        void Near(string name, Tensor actual) => Assert.True(Golden.Difference(actual, golden.Tensors[name]) < 1e-9, name);
    }

    [Theory]
    [InlineData(18)]
    [InlineData(34)]
    [InlineData(50)]
    [InlineData(101)]
    [InlineData(152)]
    public void KeysAndShapes_AreTorchvisions(int depth)
    {
        using var keys = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "resnet_keys.json")));
        using var encoder = New(new EncoderOptions { Depth = depth, Head = "linear" }, 1000);
        var expected = keys.RootElement.GetProperty($"{depth}");

        Assert.Equal(
            expected.GetProperty("keys").EnumerateArray().Select(key => $"{key[0].GetString()} {key[1].GetRawText()}").Order(StringComparer.Ordinal),
            encoder.state_dict().Select(item => $"{item.Key} [{string.Join(",", item.Value.shape)}]").Order(StringComparer.Ordinal));
        Assert.Equal(expected.GetProperty("parameters").GetInt64(), encoder.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData("imagenet", 64, 512)]
    [InlineData("cifar", 16, 128)]
    [InlineData("small", 16, 128)]
    public void Stems_KeepTheFeatureSize(string stem, int width, int features)
    {
        using var scope = NewDisposeScope();
        using var encoder = New(new EncoderOptions { Depth = 18, Width = width, Stem = stem }, 32);

        Assert.Equal(features, encoder.FeatureSize);
        Assert.Equal([2, features], encoder.Features(rand(2, 3, 32, 32)).shape);
        Assert.Equal([2, 32], encoder.call(rand(2, 3, 32, 32)).shape);
    }

    [Fact]
    public void Initialization_IsTorchvisions()
    {
        using var scope = NewDisposeScope();
        using var encoder = New(new EncoderOptions { Depth = 18, Head = "mlp" }, 128);
        var state = encoder.state_dict();

        var convolution = state["layer4.0.conv2.weight"]; // fan-out 512 x 9
        Assert.Equal(Math.Sqrt(2.0 / (512 * 9)), convolution.std().item<float>(), 2e-4);
        Assert.Equal(0, convolution.mean().item<float>(), 2e-4);
        Assert.True(state["layer1.0.bn2.weight"].eq(1).all().item<bool>());
        Assert.True(state["layer1.0.bn2.bias"].eq(0).all().item<bool>());
        var bound = 1 / Math.Sqrt(512);
        Assert.Equal(bound, state["fc.0.weight"].abs().max().item<float>(), 1e-4);
        Assert.Equal(bound / Math.Sqrt(3), state["fc.0.weight"].std().item<float>(), 1e-3);
        Assert.Equal(bound, state["fc.2.bias"].abs().max().item<float>(), 3e-3);
        Assert.True(state["fc.0.bias"].abs().sum().item<float>() > 0);
    }

    [Fact]
    public void Options_WithFaults_AreRefusedAllAtOnce()
    {
        var error = Assert.Throws<ArgumentException>(() => New(new EncoderOptions { Depth = 20, Width = 0, Stem = "x", Head = "y" }, 8));

        Assert.All(["encoder.depth", "encoder.width", "encoder.stem", "encoder.head"], name => Assert.Contains(name, error.Message));
    }

    private static Encoder New(EncoderOptions options, int outputs)
    {
        using var random = new Generator(1);
        return new Encoder(options, outputs, bnGroups: 1, random);
    }

    // As fill() of golden/tensor_file.py.
    private static void Fill(Encoder encoder)
    {
        using var noGrad = no_grad();
        foreach (var (name, value) in encoder.state_dict().Where(item => !item.Key.EndsWith("num_batches_tracked")))
        {
            var hash = Crc32.HashToUInt32(Encoding.ASCII.GetBytes(name));
            var inputs = value.shape.Skip(1).Aggregate(1L, (product, size) => product * size);
            var filled = new double[value.numel()];
            for (var j = 0L; j < filled.Length; j++)
            {
                var u = (uint)(((ulong)j * 2654435761UL) + hash) / 4294967296.0;
                filled[j] = value.dim() > 1 ? (u - 0.5) * 2 * Math.Sqrt(3.0 / inputs)
                    : name.EndsWith("running_var") || name.EndsWith("weight") ? 0.75 + (0.5 * u)
                    : (u - 0.5) * 0.2;
            }

            value.copy_(tensor(filled, value.shape));
        }
    }
}
