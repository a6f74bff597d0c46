using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

/// <summary>Our steps against plain PyTorch's: golden/moco_steps.py.</summary>
public sealed class MoCoGoldenTests
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Cifar,
        Head = EncoderHead.Mlp,
    };
    private static readonly MoCoOptions Options = new()
    {
        Dimension = 16,
        QueueSize = 96,
        Momentum = 0.99,
        Temperature = 0.2,
    };

    [Theory]
    [InlineData("f64", 1e-8)]
    [InlineData("f32", 1e-3)]
    public void TwentySteps_MatchPyTorch(string precision, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Open("moco_steps.safetensors");
        var type = precision == "f64" ? float64 : float32;
        var orders = golden.Tensors["permutations"];
        using var method = Start(golden, Options, type, (step, _, _) => orders[step].data<long>().ToArray());
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);

        for (var i = 0; i < 20; i++)
        {
            var (loss, _) = step.Run(
                i, Golden.View(i, 0, type, 20, 3, 16, 16), Golden.View(i, 1, type, 20, 3, 16, 16),
                learningRate: 0.0003);
            Assert.Equal(
                golden.Tensors[$"{precision}.losses"][i].to(float64).item<double>(),
                loss.to(float64).item<double>(),
                tolerance);
        }

        AssertState(golden, precision + ".", method, optimizer, tolerance);
    }

    [Fact]
    public void FiveSymmetricSteps_MatchPyTorch()
    {
        using var scope = NewDisposeScope();
        using var golden = Golden.Open("moco_symmetric.safetensors");
        var orders = golden.Tensors["permutations"];
        using var method = Start(
            golden,
            Options with
            {
                Symmetric = true,
            },
            float64,
            (step, half, _) => orders[step][half].data<long>().ToArray());
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);

        for (var i = 0; i < 5; i++)
        {
            var (loss, _) = step.Run(
                i, Golden.View(i, 0, float64, 20, 3, 16, 16), Golden.View(i, 1, float64, 20, 3, 16, 16),
                learningRate: 0.0003);
            Assert.Equal(golden.Tensors["losses"][i].item<double>(), loss.item<double>(), 1e-8);
        }

        AssertState(golden, "", method, optimizer, 1e-8);
    }

    private static MoCo Start(
        MoCoSharp.PyTorch.SafeTensors golden, MoCoOptions options, ScalarType type,
        Func<long, int, long, long[]> orders)
    {
        var method = MoCo.Create(Narrow, options, bnGroups: 4, seed: 0, SingleProcess.Instance);
        method.to(type);
        method.to(Golden.Device);
        torch.backends.cudnn.allow_tf32 = false; // PyTorch's default on a GPU has three decimal digits
        method.train();
        method.KeyOrders = orders;
        using var noGrad = no_grad();
        var state = method.state_dict();
        foreach (
            var (name, value) in golden.Tensors.Where(item =>
                item.Key.StartsWith("init.encoder_q.", StringComparison.Ordinal)))
        {
            var key = name["init.encoder_q.".Length..];
            state["encoder_q." + key].copy_(value);
            state["encoder_k." + key].copy_(value);
        }

        method.Queue.Keys.copy_(golden.Tensors["init.queue"]);
        return method;
    }

    private static void AssertState(
        MoCoSharp.PyTorch.SafeTensors golden, string prefix, MoCo method, Sgd optimizer, double tolerance)
    {
        var compared = 0;
        foreach (
            var (name, tensor) in method
                .state_dict()
                .Where(item => item.Key.StartsWith("encoder_", StringComparison.Ordinal)))
        {
            Near(prefix + name, tensor);
        }

        foreach (var (name, velocity) in optimizer.Velocities)
        {
            Near(prefix + "momentum." + name["encoder_q.".Length..], velocity);
        }

        Near(prefix + "queue", method.Queue.Keys);
        Assert.Equal(golden.Tensors[prefix + "queue_ptr"].item<long>(), method.Queue.Position);
        Assert.True(compared > 300, $"only {compared} tensors were compared");

        void Near(string name, Tensor actual)
        {
            compared++;
            var difference = Golden.Difference(actual, golden.Tensors[name]);
            Assert.True(difference < tolerance, $"{name} differs by {difference:G3}");
        }
    }
}
