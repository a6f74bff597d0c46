using MoCoSharp.Checkpoints;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Checkpoints;

/// <summary>The names that others give: each layout is recognised, and what has no place here is refused by its name.</summary>
public sealed class ForeignLayoutTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly MoCo method = MoCo.Create(
        new EncoderOptions { Depth = 18, Width = 4, Stem = "cifar", Head = "mlp" }, new MoCoOptions { Dimension = 8, QueueSize = 20 }, 1, 3, SingleProcess.Instance);

    [Fact]
    public void TheOfficialLayout_IsRecognised()
    {
        using var scope = NewDisposeScope();
        method.Queue.Resume(7);
        using var weights = Read(new PickleDictionary { ["epoch"] = 12, ["arch"] = "resnet18", ["state_dict"] = OfficialCheckpoint.State(method) });

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
        foreach (var (prefix, encoder) in new[] { ("encoder_q.net.", method.Encoder), ("encoder_k.net.", method.KeyEncoder) })
        {
            foreach (var (name, value) in encoder.state_dict().Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
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
        Assert.Equal(("linear", 8, "cifar"), (weights.Encoder.Head, weights.OutputSize, weights.Encoder.Stem));
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
                state[name.StartsWith("fc.", StringComparison.Ordinal) ? $"projection_head{suffix}.layers.{name[3..]}" : $"backbone{suffix}.{Numbered(name, firstStage: 4)}"] = value;
            }
        }

        state["criterion.memory_bank.bank"] = method.Queue.Keys; // [K, C] there, as here
        state["criterion.memory_bank.bank_ptr"] = tensor([4L]);
        using var weights = Read(new PickleDictionary { ["epoch"] = 3, ["state_dict"] = state, ["optimizer_states"] = new PickleList() });

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
            SafeTensors.Write(stream, [.. method.Encoder.state_dict().Select(item => (item.Key, item.Value))], new Dictionary<string, string>());
        }

        using var weights = ForeignWeights.Read(path);

        AssertEncoders(weights, withKey: false);
    }

    [Fact]
    public void TheOtherWordsForShortcutAndHead_AreKnown()
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true) { ["linear.weight"] = ones(10, 32), ["linear.bias"] = zeros(10) };
        foreach (var (name, value) in method.Encoder.state_dict().Where(item => !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            state[name.Replace(".downsample.", ".shortcut.", StringComparison.Ordinal)] = value;
        }

        using var weights = Read(new PickleDictionary { ["net"] = state, ["acc"] = 95.0 });

        Assert.Equal(("linear", 10), (weights.Encoder.Head, weights.OutputSize));
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
    public void WhatHasNoPlaceHere_IsRefusedByName()
    {
        using var scope = NewDisposeScope();
        Refused(state => state["layer1.0.se.weight"] = ones(1), "1 are more than it has (layer1.0.se.weight)");
        Refused(state => state["layer2.0.conv1.weight"] = ones(8, 4, 5, 5), "layer2.0.conv1.weight [8, 4, 5, 5] for [8, 4, 3, 3]");
        Refused(state => state["conv1.weight"] = ones(4, 1, 3, 3), "first convolution is of shape [4, 1, 3, 3]");
        Refused(state => state["conv1.weight"] = ones(4, 3, 5, 5), "kernel of 5");
        Refused(state => state["layer4.2.conv1.weight"] = ones(1), "2, 2, 2, 3 basic blocks");
        Refused(state => state["layer1.0.conv3.weight"] = ones(1), "bottleneck");
        Refused(state => state["second.conv1.weight"] = ones(4, 3, 3, 3), "several networks, under \"\", \"second.\"");
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
    [InlineData("resnet20-12fca82f.th", "CIFAR ResNet-20 of three stages with shortcuts that have no weights (option A)")]
    [InlineData("resnet56-4bfd9763.th", "CIFAR ResNet-56 of three stages")]
    [InlineData("legacy_bare_resnet32_statedict.pt", "CIFAR ResNet-32 of three stages")]
    [InlineData("zip_epoch_state_optimizer_checkpoint.pth.tar", "no ResNet or MoCo that is known here")]
    [InlineData("pybridge/pickled_optimizers/sgd_load.pth", "holds no tensors under state_dict")]
    [InlineData("pybridge/pickled_tensors/tensors.safetensors", "no ResNet or MoCo that is known here")]
    public void RealFilesOfOtherNetworks_AreRefusedForWhatTheyAre(string name, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => ForeignWeights.Read(Path.Combine(TestData.Checkpoints(), name))).Message);

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

    private ForeignWeights Read(PickleValue value)
    {
        var path = Path.Combine(folder, "file.pth");
        TorchFile.Write(path, value, TorchFormat.Legacy);
        return ForeignWeights.Read(path);
    }

    private void Refused(Action<PickleDictionary> change, string reason)
    {
        var state = Bare("");
        change(state);
        Refused(state, reason);
    }

    private void Refused(PickleValue value, string reason) => Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => Read(value)).Message);

    private void AssertEncoders(ForeignWeights weights, bool withKey = true, bool withHead = true)
    {
        foreach (var (name, value) in method.Encoder.state_dict().Where(item => withHead || !item.Key.StartsWith("fc.", StringComparison.Ordinal)))
        {
            Assert.True(value.eq(weights.Query[name]).all().item<bool>(), name);
        }

        Assert.Equal(withKey, weights.Key is not null);
        foreach (var (name, value) in method.KeyEncoder.state_dict().Where(item => withKey && (withHead || !item.Key.StartsWith("fc.", StringComparison.Ordinal))))
        {
            Assert.True(value.eq(weights.Key![name]).all().item<bool>(), name);
        }
    }
}
