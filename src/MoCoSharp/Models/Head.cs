using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// The layers on the pooled features while an encoder is trained. Most evaluations leave them behind.
/// </summary>
internal static class Head
{
    /// <summary>Whether a head normalizes over the batch: then its rows come group by group.</summary>
    public static bool HasNorm(EncoderHead head) => head is EncoderHead.MlpBn or EncoderHead.Mlp3Bn;

    /// <summary>Hidden layers of a head that has any.</summary>
    public static int HiddenLayers(EncoderHead head) => head is EncoderHead.Mlp3 or EncoderHead.Mlp3Bn ? 2 : 1;

    /// <summary>The layers of a head. Those of an MLP are named as in PyTorch's Sequential.</summary>
    /// <param name="head">Its kind.</param>
    /// <param name="features">D; hidden layers are as wide.</param>
    /// <param name="outputs">C.</param>
    /// <param name="bnGroups">S, as the encoder's.</param>
    /// <returns>For <see cref="ModeSequential.Call"/>: shape [N, D] to [N, C].</returns>
    public static Module Create(EncoderHead head, int features, int outputs, int bnGroups)
    {
        if (head is EncoderHead.None or EncoderHead.Linear)
        {
            return head == EncoderHead.None ? Identity() : new Projection(features, outputs);
        }

        var layers = new List<Module>();
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
        return new ModeSequential(layers);
    }
}
