using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

/// <summary>Steps of what MoCo is compared with, against plain PyTorch's: golden/method_steps.py.</summary>
public sealed class MethodGoldenTests
{
    private const int Steps = 10;
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Cifar,
        Head = EncoderHead.Mlp,
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SimClrWithLars_MatchesPyTorch(bool cached)
    {
        using var golden = Golden.Open("method_steps.safetensors");
        using var method = SimClr.Create(
            Narrow with
            {
                Head = EncoderHead.MlpBn,
            },
            new SimClrOptions
            {
                Dimension = 16,
                Temperature = 0.2,
                GradientCache = cached,
            },
            bnGroups: 4,
            seed: 0,
            SingleProcess.Instance);
        Run(
            golden, "simClr", method, "mlp_bn",
            parameters => new Lars(parameters, 0.9, 1e-3, 0.001, TrustRatio.NormOfSum),
            learningRate: 0.3);
    }

    [Fact]
    public void EndToEnd_MatchesPyTorch()
    {
        using var golden = Golden.Open("method_steps.safetensors");
        using var method = EndToEnd.Create(
            Narrow,
            new EndToEndOptions { Dimension = 16, Temperature = 0.2 },
            bnGroups: 4,
            seed: 0,
            SingleProcess.Instance);
        method.KeyOrders = (step, _, _) => golden.Tensors["orders"][step].data<long>().ToArray();
        Run(golden, "endToEnd", method, "mlp");
    }

    [Theory]
    [InlineData(MemoryBankLoss.InfoNce, "infoNce", "shared")]
    [InlineData(MemoryBankLoss.Nce, "nce", "own")]
    public void MemoryBank_MatchesPyTorch(MemoryBankLoss loss, string name, string draws)
    {
        using var golden = Golden.Open("method_steps.safetensors");
        var options = new MemoryBankOptions { Dimension = 16, Temperature = 0.2, Negatives = 24, Loss = loss };
        using var method = MemoryBank.Create(Narrow, options, images: 50, bnGroups: 4, seed: 0, SingleProcess.Instance);
        method.Draws = (step, query) =>
        {
            using var ofStep = golden.Tensors[draws][step];
            using var ofQuery = name == "nce" ? ofStep[query] : ofStep.alias();
            return ofQuery.contiguous().data<long>().ToArray();
        };
        method.to(float64);
        method.to(Golden.Device);
        using (no_grad())
        {
            method.Bank.Features.copy_(golden.Tensors["init.bank"]);
        }

        Run(
            golden, name, method, "mlp",
            samples: step => new StepSamples(
                [.. golden.Tensors["indices"][step].data<long>().ToArray().Select(index => (int)index)],
                new int[20]));

        Assert.True(Golden.Difference(method.Bank.Features, golden.Tensors[name + ".bank"]) < 1e-8);
    }

    [Fact]
    public void Supervised_MatchesPyTorch()
    {
        using var golden = Golden.Open("method_steps.safetensors");
        using var method = Supervised.Create(
            Narrow with
            {
                Head = EncoderHead.Linear,
            },
            new SupervisedOptions { Classes = 5 },
            bnGroups: 4,
            seed: 0,
            SingleProcess.Instance);
        Run(
            golden, "supervised", method, "linear",
            samples: step => new StepSamples(
                new int[20],
                [.. golden.Tensors["labels"][step].data<long>().ToArray().Select(label => (int)label)]));
    }

    private static void Run(
        SafeTensors golden, string name, PretrainMethod method, string initial,
        Func<IEnumerable<(string, TorchSharp.Modules.Parameter)>, MomentumOptimizer>? optimizerOf = null,
        double learningRate = 0.0003,
        Func<int, StepSamples>? samples = null)
    {
        using var scope = NewDisposeScope();
        method.to(float64);
        method.to(Golden.Device);
        method.train();
        using (no_grad())
        {
            foreach (var encoder in new[] { method.Encoder, method.KeyEncoder }.OfType<Encoder>())
            {
                foreach (
                    var (key, value) in encoder
                        .state_dict()
                        .Where(item => !item.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
                {
                    value.copy_(
                        golden.Tensors[
                            $"init.{(key.StartsWith("fc.", StringComparison.Ordinal) ? initial + "." : "")}{key}"
                        ]);
                }
            }
        }

        using var optimizer =
            optimizerOf?.Invoke(method.LearnedParameters) ?? new Sgd(method.LearnedParameters, 0.9, 1e-4);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        for (var i = 0; i < Steps; i++)
        {
            var (loss, _) = step.Run(
                i, Golden.View(i, 0, float64, 20, 3, 16, 16), Golden.View(i, 1, float64, 20, 3, 16, 16), learningRate,
                samples: samples?.Invoke(i));
            Assert.Equal(golden.Tensors[$"{name}.losses"][i].item<double>(), loss.item<double>(), 1e-8);
        }

        var compared = 0;
        foreach (var (key, tensor) in method.state_dict())
        {
            if (key is not "bank.features" && !(key is "normalizer" && name == "infoNce"))
            {
                Near($"{name}.{key}", tensor);
            }
        }

        foreach (
            var (key, velocity) in optimizer.Velocities.Where(item =>
                golden.Tensors.ContainsKey($"{name}.momentum.{item.Name}")))
        {
            Near($"{name}.momentum.{key}", velocity);
        }

        Assert.True(compared > 120, $"only {compared} tensors were compared");

        void Near(string key, Tensor actual)
        {
            compared++;
            var difference = Golden.Difference(actual, golden.Tensors[key]);
            Assert.True(difference < 2e-7, $"{key} differs by {difference:G3}");
        }
    }
}
