using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>What stands on the pooled features while an encoder learns, and is mostly left behind afterwards.</summary>
/// <remarks>MoCo v1 has "linear", v2 "mlp", SimCLR (arXiv 2002.05709) "mlp-bn" and its second version "mlp3-bn". Names are those of PyTorch's Sequential.</remarks>
internal static class Head
{
    /// <summary>Heads to train with.</summary>
    public static IReadOnlyList<string> Names { get; } = ["linear", "mlp", "mlp-bn", "mlp3", "mlp3-bn"];

    /// <summary>Whether a head normalises over the batch: then its rows come group by group.</summary>
    public static bool HasNorm(string head) => head.EndsWith("-bn", StringComparison.Ordinal);

    /// <summary>A head.</summary>
    /// <param name="head">One of <see cref="Names"/>, or "none".</param>
    /// <param name="features">D; hidden layers are as wide.</param>
    /// <param name="outputs">C.</param>
    /// <param name="bnGroups">As the encoder's.</param>
    public static Module<Tensor, Tensor> Create(string head, int features, int outputs, int bnGroups)
    {
        if (head is "none" or "linear")
        {
            return head == "none" ? Identity() : new Projection(features, outputs);
        }

        var layers = new List<Module<Tensor, Tensor>>();
        for (var hidden = 0; hidden < (head.StartsWith("mlp3", StringComparison.Ordinal) ? 2 : 1); hidden++)
        {
            layers.Add(new Projection(features, features, hasBias: !HasNorm(head)));
            if (HasNorm(head))
            {
                layers.Add(new SplitBatchNorm(features, bnGroups));
            }

            layers.Add(ReLU());
        }

        layers.Add(new Projection(features, outputs));
        return Sequential(layers.Select((layer, i) => ($"{i}", layer)).ToArray());
    }
}
