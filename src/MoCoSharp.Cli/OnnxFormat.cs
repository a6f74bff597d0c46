using Microsoft.ML.OnnxRuntime;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>The ONNX format. Checks the exported model with ONNX Runtime.</summary>
/// <param name="foldBatchNorm">Whether to fold each BatchNorm into the convolution before it.</param>
internal sealed class OnnxFormat(bool foldBatchNorm) : ExportFormat("onnx")
{
    public override string Check =>
        $"opset {OnnxExport.Opset}, run by ONNX Runtime {OrtEnv.Instance().GetVersionString()} on random images, " +
        "one and three at a time";

    public override string Loader => "ONNX Runtime";

    public override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        var size = trained.Views.Size;
        var output = withHead ? "embeddings" : "features";
        return
        [
            "import onnxruntime",
            $"session = onnxruntime.InferenceSession({Settings.Quoted(path)})",
            $"{output} = session.run(None, {{\"{OnnxExport.Input}\": images}})[0]  # images: float32 [N, 3, {size}, " +
            $"{size}], prepared as shown above",
            "",
            $"using var session = new InferenceSession({Settings.Quoted(path)}); // C#: samples/FeatureService",
        ];
    }

    protected override void Write(string path, TrainedEncoder trained, bool withHead) =>
        AtomicFile.Write(path, stream => OnnxExport.Write(stream, trained, withHead, foldBatchNorm));

    protected override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(path, options);
        return ExportCheck.Difference(trained, withHead, images => Run(session, images));
    }

    private static Tensor Run(InferenceSession session, Tensor images)
    {
        using var options = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(HostMemory.Floats(images), images.shape);
        using var outputs = session.Run(options, session.InputNames, [input], session.OutputNames);
        return tensor(outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[0].GetTensorTypeAndShape().Shape);
    }
}
