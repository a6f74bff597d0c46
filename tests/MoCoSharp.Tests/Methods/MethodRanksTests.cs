using System.Collections.Concurrent;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

/// <summary>What MoCo is compared with, trained by several ranks: the same computation as by one.</summary>
public sealed class MethodRanksTests
{
    private static readonly Dictionary<string, IMethodOptions> Methods = new(StringComparer.Ordinal)
    {
        ["simClr"] = new SimClrOptions { Dimension = 8, Temperature = 0.2 },
        ["simClr, cached"] = new SimClrOptions { Dimension = 8, Temperature = 0.2, GradientCache = true },
        ["endToEnd"] = new EndToEndOptions { Dimension = 8, Temperature = 0.2 },
        ["endToEnd, shared"] = new EndToEndOptions
        {
            Dimension = 8,
            Temperature = 0.2,
            SharedEncoder = true,
            Shuffle = false,
        },
        ["memoryBank"] = new MemoryBankOptions { Dimension = 8, Temperature = 0.2, Negatives = 12 },
        ["memoryBank, nce"] = new MemoryBankOptions
        {
            Dimension = 8,
            Temperature = 0.5,
            Negatives = 12,
            Loss = MemoryBankLoss.Nce,
        },
        ["supervised"] = new SupervisedOptions { Classes = 4 },
    };

    [Theory]
    [InlineData("simClr", 2)]
    [InlineData("simClr", 4)]
    [InlineData("simClr, cached", 2)]
    [InlineData("endToEnd", 2)]
    [InlineData("endToEnd, shared", 2)]
    [InlineData("memoryBank", 2)]
    [InlineData("memoryBank, nce", 2)]
    [InlineData("supervised", 2)]
    public void Ranks_AreTheSameComputationAsOne(string method, int ranks)
    {
        using var scope = NewDisposeScope();
        var states = new ConcurrentDictionary<int, Dictionary<string, Tensor>>();
        var alone = Train(SingleProcess.Instance, Methods[method]);
        ThreadGroup.Run(ranks, group => states[group.Rank] = Train(group, Methods[method]));

        Assert.Equal(ranks, states.Count);
        foreach (var (name, expected) in states.Values.SelectMany(_ => alone))
        {
            Assert.All(states.Values, state => Assert.True(Golden.Difference(state[name], expected) < 1e-8, name));
        }
    }

    private static Dictionary<string, Tensor> Train(IProcessGroup group, IMethodOptions options)
    {
        using var scope = NewDisposeScope();
        var config = new RunConfig
        {
            BnGroups = 4,
            Seed = 7,
            Encoder = new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Small,
                Head = options is SimClrOptions ? EncoderHead.MlpBn : EncoderHead.Mlp,
            },
        }.With(options);
        using var method = config.CreateMethod(images: 30, group);
        method.to(float64);
        method.train();
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, group);
        for (var i = 0; i < 3; i++)
        {
            var query = BatchOrder.LocalShard(group, Golden.View(i, 0, float64, 16, 3, 16, 16)).contiguous();
            var key = BatchOrder.LocalShard(group, Golden.View(i, 1, float64, 16, 3, 16, 16)).contiguous();
            int[] mine = [.. Enumerable.Range(0, 16).Where(sample => sample % group.Size == group.Rank)];
            step.Run(
                i, query, key, learningRate: 0.001,
                samples: new StepSamples([.. mine.Select(sample => sample + i)], [.. mine.Select(sample => sample % 4)])
            );
        }

        return method
            .state_dict()
            .Concat(optimizer.Velocities.Select(item => KeyValuePair.Create("v." + item.Name, item.Velocity)))
            .ToDictionary(item => item.Key, item => item.Value.detach().clone().DetachFromDisposeScope());
    }
}
