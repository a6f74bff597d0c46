using System.Collections.Concurrent;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class TwoRanksTests
{
    [Theory]
    [InlineData(2, false, false)]
    [InlineData(4, false, false)]
    [InlineData(2, true, false)]
    [InlineData(2, false, true)]
    public void TwoRanks_AreTheSameComputationAsOne(int bnGroups, bool symmetric, bool batchNegatives)
    {
        using var scope = NewDisposeScope();
        var states = new ConcurrentDictionary<int, Dictionary<string, Tensor>>();
        var alone = Train(SingleProcess.Instance, bnGroups, symmetric, batchNegatives);
        ThreadGroup.Run(2, group => states[group.Rank] = Train(group, bnGroups, symmetric, batchNegatives));

        Assert.Equal(2, states.Count);
        foreach (var state in states.Values)
        {
            Assert.Equal(alone.Keys, state.Keys);
            foreach (var (name, expected) in alone)
            {
                var difference = Golden.Difference(state[name], expected);
                Assert.True(difference < 1e-8, $"{name} differs by {difference:G3}");
            }
        }
    }

    private static Dictionary<string, Tensor> Train(
        IProcessGroup group, int bnGroups, bool symmetric, bool batchNegatives)
    {
        using var scope = NewDisposeScope();
        var options = new MoCoOptions
        {
            Dimension = 8,
            QueueSize = 40,
            Momentum = 0.9,
            Temperature = 0.2,
            Symmetric = symmetric,
            BatchNegatives = batchNegatives,
        };
        using var method = MoCo.Create(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Cifar,
                Head = EncoderHead.Mlp,
            },
            options, bnGroups, seed: 7, group);
        method.to(float64);
        method.train();
        using var optimizer = new Sgd(method.LearnedParameters, momentum: 0.9, weightDecay: 1e-4);
        var step = new TrainingStep(method, optimizer, group);
        for (var i = 0; i < 5; i++)
        {
            // rank r holds the samples i with i mod 2 = r
            var query = BatchOrder.LocalShard(group, Golden.View(i, 0, float64, 16, 3, 16, 16)).contiguous();
            var key = BatchOrder.LocalShard(group, Golden.View(i, 1, float64, 16, 3, 16, 16)).contiguous();
            step.Run(i, query, key, learningRate: 0.05);
        }

        return method
            .state_dict()
            .Concat(optimizer.Velocities.Select(item => KeyValuePair.Create("v." + item.Name, item.Velocity)))
            .ToDictionary(item => item.Key, item => item.Value.detach().clone().DetachFromDisposeScope());
    }
}
