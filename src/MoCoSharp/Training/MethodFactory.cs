using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Makes the method that a configuration names.</summary>
public static class MethodFactory
{
    /// <summary>The method at its beginning.</summary>
    /// <param name="config">Without faults.</param>
    /// <param name="images">M, images in the data set: a memory bank has a row for each.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <exception cref="ArgumentException">The ranks do not divide the BN groups.</exception>
    public static PretrainMethod Create(RunConfig config, int images, IProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegative(images);
        ArgumentNullException.ThrowIfNull(group);
        var groups = config.GroupsOver(group.Size);
        return config.Method switch
        {
            MoCoOptions moco => MoCo.Create(config.Encoder, moco, groups, config.Seed, group),
            SimClrOptions simClr => SimClr.Create(config.Encoder, simClr, groups, config.Seed, group),
            EndToEndOptions endToEnd => EndToEnd.Create(config.Encoder, endToEnd, groups, config.Seed, group),
            MemoryBankOptions memoryBank => MemoryBank.Create(config.Encoder, memoryBank, images, groups, config.Seed, group),
            SupervisedOptions supervised => Supervised.Create(config.Encoder, supervised, groups, config.Seed, group),
            var other => throw new ArgumentException($"No method is called {other.Name}.", nameof(config)),
        };
    }
}
