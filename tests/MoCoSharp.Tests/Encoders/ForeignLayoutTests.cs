using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Encoders;

/// <summary>
/// The names that others give: each layout is recognised, and what has no place here is refused by its name.
/// </summary>
public sealed class ForeignLayoutTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly MoCo method = MoCo.Create(
        new EncoderOptions
        {
            Depth = 18,
            Width = 4,
            Stem = EncoderStem.Cifar,
            Head = EncoderHead.Mlp,
        },
        new MoCoOptions { Dimension = 8, QueueSize = 20 },
        1,
        3,
        SingleProcess.Instance);

    public ForeignLayoutTests()
    {
        using var noGrad = no_grad();
        method.KeyEncoder.parameters().First().add_(1); // else both encoders are the same
    }

    [Fact]
    public void TheOfficialLayout_IsRecognised()
    {
        using var scope = NewDisposeScope();
        method.Queue.Resume(7);
        using var weights = Read(
            new PickleDictionary
            {
                ["epoch"] = 12,
                ["arch"] = "resnet18",
                ["state_dict"] = OfficialCheckpoint.State(method),
            });

        Assert.Equal("MoCo's official layout: ResNet-18 of width 4, cifar stem, mlp head to 8", weights.Kind);
        AssertEncoders(weights);
        Assert.True(method.Queue.Keys.eq(weights.Queue!).all().item<bool>());
        Assert.Equal(7, weights.QueuePosition);
        Assert.Equal(12, weights.Epochs);
        Assert.Equal(["the optimizer's velocities"], weights.Missing);
        Assert.Empty(weights.Ignored);
    }

    [Fact]
    public void TheCifarDemo_IsRecognised()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (
            var (prefix, encoder) in new[] { ("encoder_q.net.", method.Encoder), ("encoder_k.net.", method.KeyEncoder) }
        )
        {
            foreach (
                var (name, value) in encoder
                    .state_dict()
                    .Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
            {
                state[prefix + Numbered(name, firstStage: 3)] = value;
            }

            state[prefix + "9.weight"] = ones(8, 32);
            state[prefix + "9.bias"] = zeros(8);
        }

        state["queue"] = method.Queue.Keys.t();
        state["queue_ptr"] = tensor([5L]);
        using var weights = Read(new PickleDictionary { ["epoch"] = 3, ["state_dict"] = state });

        Assert.StartsWith("the CIFAR demo", weights.Kind);
        Assert.Equal(
            (EncoderHead.Linear, 8, EncoderStem.Cifar),
            (weights.Encoder.Head, weights.OutputSize, weights.Encoder.Stem));
        AssertEncoders(weights, withHead: false);
        Assert.Equal(5, weights.QueuePosition);
    }

    [Fact]
    public void LightlysMoCo_IsRecognised()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (suffix, encoder) in new[] { ("", method.Encoder), ("_momentum", method.KeyEncoder) })
        {
            foreach (var (name, value) in encoder.state_dict())
            {
                state[
                    name.StartsWith("fc.", StringComparison.Ordinal)
                        ? $"projection_head{suffix}.layers.{name[3..]}"
                        : $"backbone{suffix}.{Numbered(name, firstStage: 4)}"
                ] = value;
            }
        }

        state["criterion.memory_bank.bank"] = method.Queue.Keys; // [K, C] there, as here
        state["criterion.memory_bank.bank_ptr"] = tensor([4L]);
        using var weights = Read(
            new PickleDictionary
            {
                ["epoch"] = 3,
                ["state_dict"] = state,
                ["optimizer_states"] = new PickleList(),
            });

        Assert.StartsWith("lightly's MoCo", weights.Kind);
        AssertEncoders(weights);
        Assert.Equal([20, 8], weights.Queue!.shape);
        Assert.Equal(4, weights.QueuePosition);
    }

    [Theory]
    [InlineData("", "a bare ResNet:")]
    [InlineData("module.", "a bare ResNet under module.:")]
    [InlineData("model.backbone.", "a bare ResNet under model.backbone.:")]
    public void ABareResNet_IsRecognised_UnderAnyPrefix(string prefix, string kind)
    {
        using var scope = NewDisposeScope();
        var state = Bare(prefix);
        if (prefix.Length > 0)
        {
            state["other.weight"] = ones(2);
        }

        using var weights = Read(state);

        Assert.StartsWith(kind, weights.Kind);
        AssertEncoders(weights, withKey: false);
        Assert.Equal(prefix.Length > 0, weights.Ignored.Any(ignored => ignored.Contains("other.weight")));
    }

    [Fact]
    public void SafeTensors_AreRecognisedAlike()
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "file.safetensors");
        using (var stream = File.Create(path))
        {
            SafeTensors.Write(
                stream,
                [.. method.Encoder.state_dict().Select(item => (item.Key, item.Value))],
                new Dictionary<string, string>());
        }

        using var weights = ForeignWeights.Read(path);

        AssertEncoders(weights, withKey: false);
    }

    [Fact]
    public void TheOtherWordsForShortcutAndHead_AreKnown()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true)
        {
            ["linear.weight"] = ones(10, 32),
            ["linear.bias"] = zeros(10),
        };
        foreach (
            var (name, value) in method
                .Encoder.state_dict()
                .Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            state[name.Replace(".downsample.", ".shortcut.", StringComparison.Ordinal)] = value;
        }

        using var weights = Read(new PickleDictionary { ["net"] = state, ["acc"] = 95.0 });

        Assert.Equal((EncoderHead.Linear, 10), (weights.Encoder.Head, weights.OutputSize));
        AssertEncoders(weights, withKey: false, withHead: false);
    }

    [Fact]
    public void AHeadThatDoesNotFit_IsIgnored_AndSaidSo()
    {
        using var scope = NewDisposeScope();
        var state = Bare("");
        state["fc.0.weight"] = ones(100, 32); // another width between the two layers
        using var weights = Read(state);

        Assert.Null(weights.OutputSize);
        Assert.Contains("a head that fits", weights.Missing);
        Assert.Contains(weights.Ignored, ignored => ignored.Contains("fc.0.weight [100, 32]"));
        AssertEncoders(weights, withKey: false, withHead: false);
    }

    [Fact]
    public void WhatStandsBesideAWholeResNet_IsIgnored_CountedAndNamed()
    {
        using var scope = NewDisposeScope();
        var state = Bare("module.");
        foreach (
            var name in new[]
            {
                "projection_head.0.weight", "projection_head.1.running_mean", "prototypes.weight",
                "second.conv1.weight",
            })
        {
            state["module." + name] = ones(8, 8, 1, 1);
        }

        state["module.layer1.0.total_ops"] = ones(1);            // a profiler's
        state["module.bn1._tmp_running_mean"] = ones(4);         // a synchronized BatchNorm's
        using var weights = Read(state);

        AssertEncoders(weights, withKey: false);
        Assert.Contains(
            weights.Ignored,
            ignored => ignored.StartsWith("6 tensors that belong to no encoder: module.projection_head.0.weight, "));
    }

    [Theory]
    [InlineData("classy_state_dict/base_model/model/trunk", "_feature_blocks.")]
    [InlineData("student", "module.backbone.")]
    [InlineData("state_dict", "model._orig_mod.module.")]
    [InlineData("weights of an unknown tool", "")]
    [InlineData("0", "conv_net.")]
    public void DictionariesOfTensors_AreFoundAtAnyDepth(string path, string prefix)
    {
        using var scope = NewDisposeScope();
        PickleValue tree = Bare(prefix);
        foreach (var name in path.Split('/').Reverse())
        {
            tree = new PickleDictionary { ["epoch"] = 3, [name] = tree, ["heads"] = new PickleDictionary() };
        }

        using var weights = Read(tree);

        Assert.Contains($"a bare ResNet under {path.Replace('/', '.')}.{prefix}:", weights.Kind);
        AssertEncoders(weights, withKey: false);
    }

    [Fact]
    public void AListOfDictionaries_IsLookedInto()
    {
        using var scope = NewDisposeScope();
        var list = new PickleList();
        list.Add(Bare(""));
        list.Add(new PickleDictionary { ["step"] = 5 });

        using var weights = Read(list);

        AssertEncoders(weights, withKey: false);
    }

    [Theory]
    [InlineData("teacher.backbone.")]
    [InlineData("teacher.backbone")]
    [InlineData("teacher/backbone.")]
    [InlineData("teacher")]
    public void OfSeveralNetworks_APrefixChooses_HoweverItIsWritten(string prefix)
    {
        using var scope = NewDisposeScope();
        var file = new PickleDictionary
        {
            ["student"] = AddTo(new PickleDictionary(), "module.backbone.", method.KeyEncoder),
            ["teacher"] = Bare("backbone."),
        };
        Refused(file, "several networks, under \"student.module.backbone.\", \"teacher.backbone.\". Choose one: " +
            "--prefix student.module.backbone. or --prefix teacher.backbone.");

        using var weights = Read(file, prefix);

        AssertEncoders(weights, withKey: false);
        Assert.Contains(
            "student.module.backbone, another ResNet: choose it with --prefix student.module.backbone",
            weights.Ignored);
    }

    [Fact]
    public void APrefixThatMatchesNothingOrTwo_IsRefused_WithWhatThereIs()
    {
        using var scope = NewDisposeScope();
        var file = new PickleDictionary
        {
            ["first"] = AddTo(new PickleDictionary(), "backbone.", method.KeyEncoder),
            ["second"] = Bare("backbone."),
        };

        Assert.Contains(
            "no ResNet lies under the prefix \"third\". There are some under \"first.backbone.\", \"second.backbone.\"",
            Assert.Throws<InvalidDataException>(() => Read(file, "third")).Message);
        Assert.Contains("several networks", Assert.Throws<InvalidDataException>(() => Read(file, "backbone")).Message);
    }

    [Theory]
    [InlineData("model_ema")]
    [InlineData("state_dict_ema")]
    [InlineData("swa_model")]
    public void AMovingAverageBesideTheModel_IsNamed_AndCanBeChosen(string name)
    {
        using var scope = NewDisposeScope();
        var file = new PickleDictionary
        {
            [name] = AddTo(new PickleDictionary(), "module.", method.KeyEncoder),
            ["weights"] = Bare("module."),
        };
        using (var weights = Read(file))
        {
            AssertEncoders(weights, withKey: false);
            Assert.Contains($"{name}.module, another ResNet: choose it with --prefix {name}.module", weights.Ignored);
        }

        using var average = Read(file, name);
        Assert.True(
            average.Query["conv1.weight"].eq(method.KeyEncoder.state_dict()["conv1.weight"]).all().item<bool>());
    }

    [Fact]
    public void TheSameWeightsTwice_AreTakenOnce()
    {
        using var scope = NewDisposeScope(); // robustness saves its model so: once as it is, once within the attacker
        using var weights = Read(AddTo(Bare("module.model."), "module.attacker.model.", method.Encoder));

        AssertEncoders(weights, withKey: false);
    }

    [Fact]
    public void Detectron2sNames_AreRead()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary { ["proposal_generator.rpn_head.conv.weight"] = ones(4, 4, 3, 3) };
        foreach (
            var (name, value) in method
                .Encoder.state_dict()
                .Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            state["backbone." + MoCoSharp.Export.Detectron2Format.Rename(name)] = value;
        }

        using var weights = Read(new PickleDictionary { ["model"] = state, ["__author__"] = "somebody" });

        Assert.StartsWith("detectron2's ResNet under model.backbone.", weights.Kind);
        AssertEncoders(weights, withKey: false, withHead: false);
    }

    [Fact]
    public void TheNamesOfTransformers_AreRead()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary { ["classifier.1.weight"] = ones(10, 32) };
        foreach (
            var (name, value) in method
                .Encoder.state_dict()
                .Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            static string Kind(bool isConvolution) => isConvolution ? "convolution" : "normalization";
            var parts = name.Split('.');
            state["resnet." + (parts is ["layer1" or "layer2" or "layer3" or "layer4", var block, var part, ..]
                ? $"encoder.stages.{parts[0][5] - '1'}.layers.{block}." + (part == "downsample"
                    ? $"shortcut.{Kind(parts[3] == "0")}.{parts[^1]}"
                    : $"layer.{part[^1] - '1'}.{Kind(part.StartsWith("conv", StringComparison.Ordinal))}.{parts[^1]}")
                : $"embedder.embedder.{Kind(parts[0] == "conv1")}.{parts[^1]}")] = value;
        }

        using var weights = Read(state);

        Assert.StartsWith("a ResNet of Hugging Face's transformers under resnet.", weights.Kind);
        AssertEncoders(weights, withKey: false, withHead: false);
    }

    [Fact]
    public void AResNetCutIntoNumberedParts_IsRead_UnderAnyName()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary { ["projector.net.0.weight"] = ones(8, 32) };
        foreach (
            var (name, value) in method
                .Encoder.state_dict()
                .Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            state["encoder." + Numbered(name, firstStage: 4)] = value;
        }

        using var weights = Read(
            new PickleDictionary
            {
                ["online_network_state_dict"] = state,
                ["optimizer_state_dict"] = new PickleDictionary(),
            });

        AssertEncoders(weights, withKey: false, withHead: false);
    }

    [Theory]
    [InlineData(float.NaN, "NaN or infinite values in module.layer1.0.conv1.weight (1 of 144 values)")]
    [InlineData(float.PositiveInfinity, "NaN or infinite values in module.layer1.0.conv1.weight (1 of 144 values)")]
    public void WeightsThatAreNotFinite_AreRefusedByName(float value, string reason)
    {
        using var scope = NewDisposeScope();
        var state = Bare("module.");
        var broken = ((PickleTensor)state["module.layer1.0.conv1.weight"]).Tensor.detach().clone();
        broken[1, 2, 0, 1] = value;
        state["module.layer1.0.conv1.weight"] = broken;

        Refused(state, reason);
    }

    [Fact]
    public void ValuesThatFloat32CannotHold_NegativeVariances_AndIntegers_AreRefused()
    {
        using var scope = NewDisposeScope();
        Refused(
            state => state["bn1.bias"] = full([4], 1e300, dtype: float64),
            "NaN or infinite values in bn1.bias (4 of 4 values)");
        Refused(state => state["bn1.running_var"] = full([4], -1f), "bn1.running_var holds a variance below 0");
        Refused(state => state["bn1.weight"] = ones(4, dtype: int8), "bn1.weight is of type Int8, expected floats");
    }

    [Fact]
    public void VelocitiesOfSeveralNetworks_AreNotTakenForOnes()
    {
        using var scope = NewDisposeScope();
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 0);
        var whole = Path.Combine(folder, "whole.pth");
        var config = new RunConfig
        {
            Encoder = method.Encoder.Options,
            MoCo = new MoCoOptions { Dimension = 8, QueueSize = 20 },
        };
        OfficialCheckpoint.Write(whole, 1, method, optimizer, config, 0.01);
        using var file = TorchFile.Read(whole);
        var root = (PickleDictionary)file.Root;
        var state = new PickleDictionary(isOrderedDict: true) { ["module.before.weight"] = ones(4, 3, 3, 3) };
        foreach (var (name, value) in (PickleDictionary)root["state_dict"])
        {
            state[name] = value;
        }

        using var weights = Read(new PickleDictionary { ["state_dict"] = state, ["optimizer"] = root["optimizer"] });

        AssertEncoders(weights);
        Assert.Null(weights.Velocities);
        Assert.Contains("optimizer: its parameter numbers include other networks", weights.Ignored);
    }

    [Fact]
    public void WhatHasNoPlaceHere_IsRefusedByName()
    {
        using var scope = NewDisposeScope();
        Refused(state => state["layer1.0.se.weight"] = ones(1), "1 are more than it has (layer1.0.se.weight)");
        Refused(
            state => state["layer2.0.conv1.weight"] = ones(8, 4, 5, 5),
            "layer2.0.conv1.weight [8, 4, 5, 5] for [8, 4, 3, 3]");
        Refused(state => state["conv1.weight"] = ones(4, 1, 3, 3), "first convolution is of shape [4, 1, 3, 3]");
        Refused(state => state["conv1.weight"] = ones(4, 3, 5, 5), "kernel of 5");
        Refused(state => state["layer3.2.conv1.weight"] = ones(1), "2, 2, 3, 2 basic blocks");
        Refused(state => state["layer1.0.conv3.weight"] = ones(1), "bottleneck");
        Refused(
            state => AddTo(state, "second.", method.KeyEncoder),
            "several networks, under \"\", \"second.\". Choose one: --prefix . or --prefix second.");
        Refused(new PickleDictionary { ["conv1.0.weight"] = ones(3, 3, 3, 3) }, "stack of convolutions");
        Refused(new PickleDictionary { ["a"] = ones(1) }, "no ResNet or MoCo");
        Refused(new PickleDictionary { ["epoch"] = 1, ["best"] = 2 }, "epoch, best");
        Refused(new PickleList(), "a list");
        var official = OfficialCheckpoint.State(method);
        official["module.queue_ptr"] = tensor([20L]);
        Refused(official, "queue_ptr is 20, expected 0 to 19");
        var cut = new PickleDictionary();
        foreach (var (name, value) in method.Encoder.state_dict().Where(item => item.Key != "layer3.1.bn2.running_var"))
        {
            cut[name] = value;
        }

        Refused(cut, "1 tensors are missing (layer3.1.bn2.running_var)");
    }

    [Theory]
    [InlineData(
        "resnet20-12fca82f.th",
        "CIFAR ResNet-20 of three stages with shortcuts that have no weights (option A)"
    )]
    [InlineData("resnet56-4bfd9763.th", "CIFAR ResNet-56 of three stages")]
    [InlineData("legacy_bare_resnet32_statedict.pt", "CIFAR ResNet-32 of three stages")]
    [InlineData("zip_epoch_state_optimizer_checkpoint.pth.tar", "no ResNet or MoCo that is known here")]
    [InlineData("pybridge/pickled_optimizers/sgd_load.pth", "holds no tensors under state_dict")]
    [InlineData("pybridge/pickled_tensors/tensors.safetensors", "no ResNet or MoCo that is known here")]
    public void RealFilesOfOtherNetworks_AreRefusedForWhatTheyAre(string name, string reason) =>
        Assert.Contains(
            reason,
            Assert
                .Throws<InvalidDataException>(() => ForeignWeights.Read(Path.Combine(TestData.Checkpoints(), name)))
                .Message);

    public void Dispose()
    {
        method.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    // conv1 is 0, bn1 is 1; then come the stages.
    private static string Numbered(string name, int firstStage)
    {
        var (part, rest) = (name.Split('.')[0], name[(name.IndexOf('.') + 1)..]);
        return part switch { "conv1" => "0", "bn1" => "1", _ => $"{firstStage + part[^1] - '1'}" } + "." + rest;
    }

    private PickleDictionary Bare(string prefix)
    {
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (name, value) in method.Encoder.state_dict())
        {
            state[prefix + name] = value;
        }

        return state;
    }

    private static PickleDictionary AddTo(PickleDictionary state, string prefix, Encoder encoder)
    {
        foreach (var (name, value) in encoder.state_dict())
        {
            state[prefix + name] = value;
        }

        return state;
    }

    private ForeignWeights Read(PickleValue value, string? prefix = null)
    {
        var path = Path.Combine(folder, "file.pth");
        TorchFile.Write(path, value, TorchFormat.Legacy);
        return ForeignWeights.Read(path, prefix);
    }

    private void Refused(Action<PickleDictionary> change, string reason)
    {
        var state = Bare("");
        change(state);
        Refused(state, reason);
    }

    private void Refused(PickleValue value, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => Read(value)).Message);

    private void AssertEncoders(ForeignWeights weights, bool withKey = true, bool withHead = true)
    {
        foreach (
            var (name, value) in method
                .Encoder.state_dict()
                .Where(item => withHead || !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            Assert.True(value.eq(weights.Query[name]).all().item<bool>(), name);
        }

        Assert.Equal(withKey, weights.Key is not null);
        foreach (
            var (name, value) in method
                .KeyEncoder.state_dict()
                .Where(item => withKey && (withHead || !item.Key.StartsWith("fc.", StringComparison.Ordinal))))
        {
            Assert.True(value.eq(weights.Key![name]).all().item<bool>(), name);
        }
    }
}
