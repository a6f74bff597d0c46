namespace MoCoSharp.Models;

/// <summary>Which ResNet, from which first layer, with which head.</summary>
public sealed record EncoderOptions
{
    /// <summary>Layers: 18, 34, 50, 101 or 152.</summary>
    public int Depth { get; init; } = 50;

    /// <summary>Channels of the first stage, above 0; 64 is standard.</summary>
    public int Width { get; init; } = 64;

    /// <summary>First layers: "imagenet" (7x7 stride 2, then a pool), "cifar" (3x3 stride 1) or "small" (3x3 stride 2).</summary>
    public string Stem { get; init; } = "imagenet";

    /// <summary>
    /// What stands on the pooled features: "linear" (MoCo v1), "mlp" (MoCo v2: a hidden layer as wide as the features, ReLU), "mlp-bn" (SimCLR: BatchNorm before
    /// the ReLU), "mlp3" and "mlp3-bn" (SimCLR v2: two hidden layers), or "none": an encoder
    /// whose head was left behind, to evaluate and not to pre-train.
    /// </summary>
    public string Head { get; init; } = "mlp";

    /// <summary>Whether the backward pass computes each stage's activations again instead of keeping them: less memory, about a third more time, the same bits.</summary>
    public bool Recompute { get; init; }

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (!ResNetStages.Blocks.ContainsKey(Depth))
        {
            yield return $"encoder.depth is {Depth}, expected one of {string.Join(", ", ResNetStages.Blocks.Keys.Order())}.";
        }

        if (Width is < 1 or > 4096)
        {
            yield return $"encoder.width is {Width}, expected 1 to 4096. 64 is standard.";
        }

        if (Stem is not ("imagenet" or "cifar" or "small"))
        {
            yield return $"encoder.stem is \"{Stem}\", expected imagenet, cifar or small.";
        }

        if (Head != "none" && !Models.Head.Names.Contains(Head))
        {
            yield return $"encoder.head is \"{Head}\", expected linear (MoCo v1), mlp (MoCo v2), mlp-bn (SimCLR), mlp3, mlp3-bn or none.";
        }
    }
}

/// <summary>Which depths there are.</summary>
public static class EncoderDepths
{
    /// <summary>18 to 152.</summary>
    public static IEnumerable<int> All => ResNetStages.Blocks.Keys.Order();

    /// <summary>The depth of so many blocks a stage; null where it is none.</summary>
    /// <param name="blocks">Of the four stages.</param>
    /// <param name="hasBottleneck">Whether a block has three convolutions.</param>
    public static int? Find(IReadOnlyList<int> blocks, bool hasBottleneck) => ResNetStages.Blocks
        .Where(item => item.Value.SequenceEqual(blocks) && ResNetStages.HasBottleneck(item.Key) == hasBottleneck)
        .Select(item => (int?)item.Key).FirstOrDefault();
}

/// <summary>The table of He et al. 2016: blocks in each of the four stages, by depth.</summary>
internal static class ResNetStages
{
    public static IReadOnlyDictionary<int, int[]> Blocks { get; } = new Dictionary<int, int[]>
    {
        [18] = [2, 2, 2, 2],
        [34] = [3, 4, 6, 3],
        [50] = [3, 4, 6, 3],
        [101] = [3, 4, 23, 3],
        [152] = [3, 8, 36, 3],
    };

    public static bool HasBottleneck(int depth) => depth >= 50;
}
