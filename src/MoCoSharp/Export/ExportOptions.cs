using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>What some formats of <see cref="ExportFormat"/> need to know. The others ignore it.</summary>
public sealed record ExportOptions
{
    /// <summary>
    /// For "torch": the run folder or checkpoint whose training is exported too, so that official code can resume it.
    /// </summary>
    /// <value>Null exports the encoder alone.</value>
    public string? Training { get; init; }

    /// <summary>For "onnx": whether each BatchNorm is folded into the convolution before it.</summary>
    public bool FoldBatchNorm { get; init; }

    /// <summary>For "onnx": the runtime that checks the file, with its version. Reports name it.</summary>
    public string OnnxRuntime { get; init; } = "an ONNX runtime";

    /// <summary>
    /// For "onnx": runs a model file on images, [N, 3, H, W] to [N, D]. The file is checked with it; MoCoSharp itself
    /// has no ONNX runtime.
    /// </summary>
    public Func<string, Tensor, Tensor>? RunOnnx { get; init; }
}
