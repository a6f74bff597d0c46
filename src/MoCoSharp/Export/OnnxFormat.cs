using MoCoSharp.Encoders;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Export;

/// <summary>An ONNX model, checked by the ONNX runtime of the caller.</summary>
internal sealed class OnnxFormat : ExportFormat
{
    private readonly ExportOptions _options;

    /// <summary>The format.</summary>
    /// <param name="options">Its <see cref="ExportOptions.RunOnnx"/> is needed.</param>
    /// <exception cref="ArgumentException">It is missing.</exception>
    public OnnxFormat(ExportOptions options)
        : base("onnx")
    {
        _options = options.RunOnnx is not null
            ? options
            : throw new ArgumentException(
                "An ONNX file is checked by an ONNX runtime, and none was given. Set ExportOptions.RunOnnx.",
                nameof(options));
    }

    /// <inheritdoc/>
    internal override string Check =>
        $"opset {OnnxExport.Opset}, run by {_options.OnnxRuntime} on random images, one and three at a time";

    /// <inheritdoc/>
    internal override string Loader => "ONNX Runtime";

    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        var size = trained.Views.Size;
        var output = withHead ? "embeddings" : "features";
        var quoted = StateDictFormat.Quoted(path);
        var input = $"float32 [N, 3, {size}, {size}]";
        return
        [
            "import onnxruntime",
            $"session = onnxruntime.InferenceSession({quoted})",
            $"{output} = session.run(None, {{\"{OnnxExport.Input}\": images}})[0]  " +
            $"# images: {input}, prepared as above",
            "",
            $"using var session = new InferenceSession({quoted}); // C#: samples/FeatureService",
        ];
    }

    /// <inheritdoc/>
    internal override void Write(string path, TrainedEncoder trained, bool withHead) =>
        AtomicFile.Write(path, stream => OnnxExport.Write(stream, trained, withHead, _options.FoldBatchNorm));

    /// <inheritdoc/>
    internal override double Difference(string path, TrainedEncoder trained, bool withHead) =>
        ExportCheck.Difference(trained, withHead, images => _options.RunOnnx!(path, images));
}
