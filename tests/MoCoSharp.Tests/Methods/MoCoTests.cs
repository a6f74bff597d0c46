using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class MoCoTests
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Small,
        Head = EncoderHead.Mlp,
    };

    [Fact]
    public void KeyEncoder_StartsEqual_AndIsNotAmongTheLearned()
    {
        using var scope = NewDisposeScope();
        using var method = New(bnGroups: 1);

        var keys = method.KeyEncoder.state_dict();
        Assert.All(method.Encoder.state_dict(), item => Assert.True(item.Value.eq(keys[item.Key]).all().item<bool>()));
        Assert.All(method.LearnedParameters, item => Assert.StartsWith("encoder_q.", item.Name));
        Assert.Equal(method.Encoder.parameters().Count(), method.LearnedParameters.Count);
    }

    [Fact]
    public void KeyEncoder_ReceivesNoGradient()
    {
        using var scope = NewDisposeScope();
        using var method = New(bnGroups: 1);
        method.BeforeStep(0);

        method.call(rand(4, 3, 16, 16), rand(4, 3, 16, 16)).Loss.backward();

        Assert.All(method.KeyEncoder.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.All(method.Encoder.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Theory]
    [InlineData(false, "key query")]
    [InlineData(true, "key key query query")]
    public void Keys_AreEncodedWhileNoQueryKeepsItsActivations(bool symmetric, string expected)
    {
        using var scope = NewDisposeScope();
        using var method = MoCo.Create(
            Narrow,
            new MoCoOptions
            {
                Dimension = 8,
                QueueSize = 32,
                Symmetric = symmetric,
            },
            bnGroups: 1,
            seed: 1,
            SingleProcess.Instance);
        var order = new List<string>();
        method.Encoder.register_forward_hook((_, _, output) => Note("query", output));
        method.KeyEncoder.register_forward_hook((_, _, output) => Note("key", output));
        method.BeforeStep(0);

        method.call(rand(4, 3, 16, 16), rand(4, 3, 16, 16));

        Assert.Equal(expected, string.Join(' ', order));

        Tensor Note(string name, Tensor output)
        {
            order.Add(name);
            return output;
        }
    }

    [Fact]
    public void MomentumUpdate_MovesParametersAndLeavesBuffers()
    {
        using var scope = NewDisposeScope();
        using var method = New(bnGroups: 1);
        using (no_grad())
        {
            method.Encoder.state_dict()["conv1.weight"].fill_(1);
            method.KeyEncoder.state_dict()["conv1.weight"].fill_(0);
            method.Encoder.state_dict()["bn1.running_mean"].fill_(5);
        }

        method.BeforeStep(0);

        // 0.9 x 0 + 0.1 x 1
        Assert.Equal(0.1, method.KeyEncoder.state_dict()["conv1.weight"].mean().item<float>(), 1e-6);
        Assert.Equal(0, method.KeyEncoder.state_dict()["bn1.running_mean"].abs().sum().item<float>());
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void Shuffle_ChangesKeysOnlyWhereThereAreSeveralGroups(int bnGroups, bool same)
    {
        using var scope = NewDisposeScope();
        var views = Golden.View(0, 0, float32, 8, 3, 16, 16);
        Tensor Keys(bool shuffle)
        {
            using var method = New(bnGroups, shuffle);
            method.BeforeStep(3);
            return method.call(views, views).Keys;
        }

        Assert.Equal(same, Keys(true).allclose(Keys(false), atol: 1e-5));
    }

    [Fact]
    public void Keys_ReturnInTheOrderOfTheBatch()
    {
        using var scope = NewDisposeScope();
        using var method = New(bnGroups: 1);
        method.train(false); // evaluation: each sample by itself
        var views = Golden.View(0, 0, float32, 8, 3, 16, 16);

        var keys = method.call(views, views).Keys;

        Assert.True(keys.allclose(nn.functional.normalize(method.Encoder.call(views), dim: 1), atol: 1e-5));
    }

    [Fact]
    public void Step_LeavesNoLiveTensors()
    {
        using var method = New(bnGroups: 2);
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 1e-4);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        long before = 0;
        for (var i = 0; i < 6; i++)
        {
            using (NewDisposeScope())
            {
                step.Run(i, rand(4, 3, 16, 16), rand(4, 3, 16, 16), 0.01);
            }

            if (i == 1)
            {
                GC.Collect(); // what other tests left to the finalizer must not go while we count
                GC.WaitForPendingFinalizers();
                before = Tensor.TotalCount;
            }
        }

        Assert.InRange(Tensor.TotalCount, 0, before);
    }

    [Fact]
    public void KeyOrder_IsAPermutation_OfSeedStepAndHalf()
    {
        var order = KeyShuffle.Order(seed: 5, step: 9, half: 0, count: 64);

        Assert.Equal(Enumerable.Range(0, 64).Select(i => (long)i), order.Order());
        Assert.Equal(order, KeyShuffle.Order(5, 9, 0, 64));
        Assert.NotEqual(order, KeyShuffle.Order(5, 9, 1, 64));
        Assert.NotEqual(order, KeyShuffle.Order(5, 10, 0, 64));
        Assert.NotEqual(order, KeyShuffle.Order(6, 9, 0, 64));
    }

    private static MoCo New(int bnGroups, bool shuffle = true) =>
        MoCo.Create(
            Narrow,
            new MoCoOptions
            {
                Dimension = 8,
                QueueSize = 32,
                Momentum = 0.9,
                Shuffle = shuffle,
            },
            bnGroups,
            seed: 1,
            SingleProcess.Instance);
}
