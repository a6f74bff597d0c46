using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// The initialization of torchvision's ResNets. Convolutions: Kaiming normal by fan-out. BatchNorm, also the last one
/// of a block: weight 1, bias 0. Linear layers: weight and bias uniform within 1 / sqrt(inputs).
/// </summary>
internal static class TorchvisionInitialization
{
    public static void Apply(Module module, Generator random)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var inputsOfLinear = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (name, parameter) in module.named_parameters())
        {
            var owner = name[..Math.Max(name.LastIndexOf('.'), 0)];
            switch (parameter.shape)
            {
                case [var outputs, _, var height, var width]:
                    parameter.normal_(0, Math.Sqrt(2.0 / (outputs * height * width)), random);
                    break;
                case [_, var inputs]:
                    inputsOfLinear[owner] = inputs;
                    parameter.uniform_(-1 / Math.Sqrt(inputs), 1 / Math.Sqrt(inputs), random);
                    break;
                case [_] when inputsOfLinear.TryGetValue(owner, out var inputs):
                    // A linear layer's bias comes after its weight.
                    parameter.uniform_(-1 / Math.Sqrt(inputs), 1 / Math.Sqrt(inputs), random);
                    break;
                default: // BatchNorm: 1 and 0 already
                    break;
            }
        }
    }
}
