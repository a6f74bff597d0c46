using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>What stands on the pooled features while an encoder learns, and is mostly left behind afterwards.</summary>
/// <remarks>MoCo v1 has "linear", v2 "mlp", SimCLR (arXiv 2002.05709) "mlp-bn" and its second version "mlp3-bn". Names are those of PyTorch's Sequential.</remarks>
internal static class Head
{
    /// <summary>Whether a head normalises over the batch: then its rows come group by group.</summary>
    public static bool HasNorm(EncoderHead head) => head is EncoderHead.MlpBn or EncoderHead.Mlp3Bn;

    /// <summary>Hidden layers of a head with any.</summary>
    public static int HiddenLayers(EncoderHead head) => head is EncoderHead.Mlp3 or EncoderHead.Mlp3Bn ? 2 : 1;

    /// <summary>A head.</summary>
    /// <param name="head">Its kind.</param>
    /// <param name="features">D; hidden layers are as wide.</param>
    /// <param name="outputs">C.</param>
    /// <param name="bnGroups">As the encoder's.</param>
    public static Module<Tensor, Tensor> Create(EncoderHead head, int features, int outputs, int bnGroups)
    {
        if (head is EncoderHead.None or EncoderHead.Linear)
        {
            return head == EncoderHead.None ? Identity() : new Projection(features, outputs);
        }

        var layers = new List<Module<Tensor, Tensor>>();
        for (var hidden = 0; hidden < HiddenLayers(head); hidden++)
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
