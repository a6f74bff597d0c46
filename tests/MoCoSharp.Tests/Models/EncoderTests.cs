using System.Text.Json;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

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
        using var encoder = New(new EncoderOptions { Depth = depth, Head = EncoderHead.Linear }, 1000);
        encoder.to(float64);
        Golden.Fill(encoder);
        var images = Golden.View(0, 0, float64, 2, 3, 64, 64);

        using var noGrad = no_grad();
        encoder.eval();
        Near($"r{depth}.logits", encoder.call(images));
        Near($"r{depth}.eval_features", encoder.Features(images));
        encoder.train();
        Near($"r{depth}.train_features", encoder.Features(images));
        Near($"r{depth}.running_var", encoder.state_dict()["layer4.0.bn1.running_var"]);

        void Near(string name, Tensor actual) =>
            Assert.True(Golden.Difference(actual, golden.Tensors[name]) < 1e-9, name);
    }

    [Fact]
    public void AWideHead_HasItsHiddenLayersOfThatSize()
    {
        var options = new EncoderOptions { Depth = 10, Width = 4, Head = EncoderHead.Mlp3Bn, HeadWidth = 50 };
        using var encoder = New(options, 8);
        var state = encoder.state_dict();

        Assert.Equal([50, 32], state["fc.0.weight"].shape); // 32 features
        Assert.Equal([50], state["fc.1.weight"].shape);
        Assert.Equal([50, 50], state["fc.3.weight"].shape);
        Assert.Equal([8, 50], state["fc.6.weight"].shape);
    }

    [Theory]
    [InlineData(18)]
    [InlineData(34)]
    [InlineData(50)]
    [InlineData(101)]
    [InlineData(152)]
    public void KeysAndShapes_AreTorchvisions(int depth)
    {
        using var keys = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "golden", "resnet_keys.json")));
        using var encoder = New(new EncoderOptions { Depth = depth, Head = EncoderHead.Linear }, 1000);
        var expected = keys.RootElement.GetProperty($"{depth}");

        Assert.Equal(
            expected
                .GetProperty("keys")
                .EnumerateArray()
                .Select(key => $"{key[0].GetString()} {key[1].GetRawText()}")
                .Order(StringComparer.Ordinal),
            encoder
                .state_dict()
                .Select(item => $"{item.Key} [{string.Join(",", item.Value.shape)}]")
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            expected.GetProperty("parameters").GetInt64(),
            encoder.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory]
    [InlineData(Precision.Fp32)]
    [InlineData(Precision.Bf16)]
    // whatever the kernels make of its shapes
    public void AResNet50OfFullWidth_RunsForwardAndBackward(Precision precision)
    {
        using var scope = NewDisposeScope();
        using var encoder = New(new EncoderOptions { Depth = 50 }, 128);
        encoder.Precision = precision;

        encoder.call(Golden.View(0, 0, float32, 2, 3, 64, 64)).square().sum().backward();

        Assert.All(encoder.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    [Theory]
    [InlineData(10, "layer1.0 layer2.0 layer3.0 layer4.0")]
    [InlineData(20, "layer1.0 layer1.1 layer2.0 layer2.1 layer3.0 layer3.1 layer4.0 layer4.1 layer4.2")]
    public void DepthsOutsideTorchvision_HaveBasicBlocks(int depth, string blocks)
    {
        using var encoder = New(new EncoderOptions { Depth = depth, Width = 4 }, 8);

        string[] expected = blocks.Split(' ');
        var convolutions = encoder
            .state_dict()
            .Where(item => item.Key.StartsWith("layer") && item.Value.dim() == 4 && item.Value.shape[2] == 3)
            .Select(item => item.Key);

        Assert.Equal(
            expected.SelectMany(block => new[] { $"{block}.conv1.weight", $"{block}.conv2.weight" }), convolutions);
        Assert.Equal(depth, 1 + (2 * expected.Length) + 1); // conv1, two a block, fc
    }

    [Theory]
    [InlineData(18, EncoderHead.Linear, 1.8e9 + 0.5e6)]
    [InlineData(50, EncoderHead.Linear, 4.1e9 + 2.05e6)]
    // By hand: conv1 118.0 M, layer1 231.2 M, layer2 to 4 179.8 M each, fc 0.5 M
    [InlineData(10, EncoderHead.Linear, 118.0e6 + 231.2e6 + (3 * 179.8e6) + 0.5e6)]
    public void Cost_IsTwiceTheKnownMultiplyAdds(int depth, EncoderHead head, double multiplyAdds)
    {
        using var encoder = New(new EncoderOptions { Depth = depth, Head = head }, 1000);

        // torchvision's documentation: 1.81 and 4.09 G
        Assert.Equal(2 * multiplyAdds, EncoderCost.Operations(encoder, 224), 0.02 * 2 * multiplyAdds);
    }

    [Theory]
    [InlineData(EncoderStem.ImageNet, 64, 512)]
    [InlineData(EncoderStem.Cifar, 16, 128)]
    [InlineData(EncoderStem.Small, 16, 128)]
    public void Stems_KeepTheFeatureSize(EncoderStem stem, int width, int features)
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
        using var encoder = New(new EncoderOptions { Depth = 18, Head = EncoderHead.Mlp }, 128);
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
    public void BnGroups_AreTheSamplesModS()
    {
        using var scope = NewDisposeScope();
        var options = new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small };
        using var whole = New(options, 8);
        using var split = New(options, 8, bnGroups: 2);
        var images = Golden.View(0, 0, float32, 6, 3, 16, 16);

        var output = split.call(images);

        foreach (var group in new[] { 0, 1 })
        {
            var rows = tensor(new long[] { group, group + 2, group + 4 });
            Assert.True(
                output.index_select(0, rows).allclose(whole.call(images.index_select(0, rows)), rtol: 1e-4, atol: 1e-5)
            );
        }
    }

    [Theory]
    [InlineData(18, 4)]
    [InlineData(18, 12)]
    [InlineData(18, 24)]
    [InlineData(18, 40)]
    [InlineData(50, 4)]
    [InlineData(50, 12)]
    public void GradientsInFloat32_AreThoseInFloat64_WhateverTheWidth(int depth, int width)
    {
        // oneDNN was seen to be wrong where channels are no multiple of 16.
        using var scope = NewDisposeScope();
        var options = new EncoderOptions { Depth = depth, Width = width, Stem = EncoderStem.Small };
        using var single = New(options, 8);
        using var exact = New(options, 8);
        single.eval(); // nothing between the convolutions magnifies rounding
        exact.to(float64);
        exact.eval();
        // In view 0, a value is so near 0 that rounding decides whether a ReLU lets it through.
        var images = Golden.View(1, 0, float64, 6, 3, 16, 16);

        single.call(images.to(float32)).sum().backward();
        exact.call(images).sum().backward();

        Assert.All(
            exact.named_parameters(),
            item =>
                Assert.InRange(Golden.Difference(single.get_parameter(item.name)!.grad!, item.parameter.grad!), 0, 1e-4)
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Bf16_StaysInsideTheConvolutionsAndLinearLayers(int bnGroups)
    {
        using var scope = NewDisposeScope();
        var options = new EncoderOptions { Depth = 18, Width = 8, Stem = EncoderStem.Small, Head = EncoderHead.Mlp };
        using var wide = New(options, 16, bnGroups);
        using var narrow = New(options, 16, bnGroups);
        narrow.Precision = Precision.Bf16;
        var images = Golden.View(0, 0, float32, 8, 3, 32, 32);

        var (expected, output) = (wide.call(images), narrow.call(images));
        expected.square().sum().backward();
        output.square().sum().backward();

        Assert.Equal(float32, output.dtype);
        Assert.All(
            narrow.state_dict().Where(item => !item.Key.EndsWith("tracked")),
            item => Assert.Equal(float32, item.Value.dtype));
        Assert.InRange(Cosine(output, expected), 0.999, 0.9999999); // bf16 it is, and near
        foreach (var (name, parameter) in narrow.named_parameters())
        {
            Assert.Equal(float32, parameter.grad!.dtype);
            var nearness = Cosine(parameter.grad!, wide.get_parameter(name)!.grad!);
            // rounding adds up on the way back to the images
            Assert.True(nearness > (name.StartsWith("fc") ? 0.99 : 0.5), $"{name}: {nearness}");
        }
    }

    [Theory]
    [InlineData(18, 1)]
    [InlineData(50, 2)]
    public void ActivationCheckpointing_ChangesNoBit_AndLeavesNoTensors(int depth, int bnGroups)
    {
        using var scope = NewDisposeScope();
        var options = new EncoderOptions { Depth = depth, Width = 4, Stem = EncoderStem.Small };
        using var keeps = New(options, 8, bnGroups);
        using var recomputes = New(options with { ActivationCheckpointing = true }, 8, bnGroups);
        var images = Golden.View(0, 0, float32, 8, 3, 16, 16);
        long live = 0;
        for (var i = 0; i < 3; i++)
        {
            using (NewDisposeScope())
            {
                keeps.call(images).square().sum().backward();
                recomputes.call(images).square().sum().backward();
            }

            live = i == 1 ? DisposeScopeManager.Statistics.ThreadTotalLiveCount : live;
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.All(
            keeps.state_dict(),
            item => Assert.True(item.Value.eq(recomputes.state_dict()[item.Key]).all().item<bool>(), item.Key));
        Assert.All(
            keeps.named_parameters(),
            item =>
                Assert.True(
                    item.parameter.grad!.eq(recomputes.get_parameter(item.name)!.grad!).all().item<bool>(),
                    item.name));
    }

    [Fact]
    public void ConvolutionWeights_AreChannelsLast_AndTheirGradientsToo()
    {
        using var scope = NewDisposeScope();
        using var encoder = New(new EncoderOptions { Depth = 50, Width = 4, Stem = EncoderStem.ImageNet }, 8);

        encoder.call(rand(2, 3, 32, 32)).sum().backward();

        var weights = encoder.parameters().Where(parameter => parameter.dim() == 4).ToList();
        Assert.Equal(53, weights.Count);
        Assert.All(
            weights,
            weight =>
                Assert.True(
                    weight.permute(0, 2, 3, 1).is_contiguous() && weight.grad!.permute(0, 2, 3, 1).is_contiguous()));
    }

    [Fact]
    public void TheLayoutOfTheImages_ChangesNoBit()
    {
        using var scope = NewDisposeScope();
        using var encoder = New(new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small }, 8);
        encoder.eval();
        var images = rand(2, 3, 16, 16);

        Assert.True(encoder.call(images).eq(encoder.call(ChannelsLast.From(images))).all().item<bool>());
    }

    [Fact]
    public void Options_WithFaults_AreRefusedAllAtOnce()
    {
        var error = Assert.Throws<ArgumentException>(() =>
            New(
                new EncoderOptions
                {
                    Depth = 19,
                    Width = 0,
                    Stem = (EncoderStem)9,
                    Head = (EncoderHead)9,
                },
                8));

        Assert.All(
            ["encoder.depth", "encoder.width", "encoder.stem", "encoder.head"],
            name => Assert.Contains(name, error.Message));
    }

    private static Encoder New(EncoderOptions options, int outputs, int bnGroups = 1)
    {
        using var random = new Generator(1);
        return new Encoder(options, outputs, bnGroups, random);
    }

    private static double Cosine(Tensor a, Tensor b) =>
        nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim: 0).item<float>();
}
