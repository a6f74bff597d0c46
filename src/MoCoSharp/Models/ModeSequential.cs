using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>PyTorch's Sequential, with a mode for its BatchNorm layers. Layers are named 0, 1 and so on.</summary>
internal sealed class ModeSequential : Module<Tensor, BatchNormMode, Tensor>
{
    // An array, because TorchSharp registers module fields under the names of the fields.
    private readonly Module[] _layers;

    /// <summary>A sequence.</summary>
    /// <param name="layers">At least one; each takes a tensor, or a tensor and a mode.</param>
    public ModeSequential(IEnumerable<Module> layers) : base(nameof(ModeSequential))
    {
        _layers = [.. layers];
        for (var i = 0; i < _layers.Length; i++)
        {
            register_module($"{i}", _layers[i]);
        }
    }

    public override Tensor forward(Tensor input, BatchNormMode mode)
    {
        var hidden = Call(_layers[0], input, mode);
        foreach (var layer in _layers.AsSpan(1))
        {
            using var before = hidden; // autograd keeps what a gradient needs; inference frees it at once
            hidden = Call(layer, before, mode);
        }

        return hidden;
    }

    /// <summary>The output of a layer.</summary>
    public static Tensor Call(Module layer, Tensor input, BatchNormMode mode) => layer switch
    {
        SplitBatchNorm norm => norm.forward(input, mode),
        Module<Tensor, BatchNormMode, Tensor> part => part.call(input, mode),
        _ => ((Module<Tensor, Tensor>)layer).call(input),
    };
}
