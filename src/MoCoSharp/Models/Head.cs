using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>The layers after the pooled features in training. Most evaluations do not use them.</summary>
internal static class Head
{
    /// <summary>Whether a head has BatchNorm, so that its input must be sorted by group.</summary>
    public static bool HasNorm(EncoderHead head) => head is EncoderHead.MlpBn or EncoderHead.Mlp3Bn;

    /// <summary>The number of hidden layers of an MLP head.</summary>
    public static int HiddenLayers(EncoderHead head) => head is EncoderHead.Mlp3 or EncoderHead.Mlp3Bn ? 2 : 1;

    /// <summary>Creates the layers of a head. An MLP has the names of PyTorch's Sequential.</summary>
    /// <param name="options">The kind of head, and the size of its hidden layers.</param>
    /// <param name="features">D.</param>
    /// <param name="outputs">C.</param>
    /// <param name="bnGroups">S of the encoder.</param>
    /// <returns>For <see cref="ModeSequential.Call"/>: shape [N, D] to [N, C].</returns>
    public static Module Create(EncoderOptions options, int features, int outputs, int bnGroups)
    {
        var head = options.Head;
        if (head is EncoderHead.None or EncoderHead.Linear)
        {
            return head == EncoderHead.None ? Identity() : new Projection(features, outputs);
        }

        var layers = new List<Module>();
        var hidden = options.HeadWidth ?? features;
        for (var layer = 0; layer < HiddenLayers(head); layer++)
        {
            layers.Add(new Projection(layer == 0 ? features : hidden, hidden, hasBias: !HasNorm(head)));
            if (HasNorm(head))
            {
                layers.Add(new SplitBatchNorm(hidden, bnGroups));
            }

            layers.Add(ReLU());
        }

        layers.Add(new Projection(hidden, outputs));
        return new ModeSequential(layers);
    }
}
