using Microsoft.ML.OnnxRuntime;
using MoCoSharp.Models;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>Runs exported models as their later users do: with ONNX Runtime.</summary>
internal static class OnnxRuntime
{
    /// <summary>Its name and version.</summary>
    public static string Name => $"ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <summary>Why it cannot run here; null if it can.</summary>
    public static string? Fault
    {
        get
        {
            try
            {
                _ = Name;
                return null;
            }
            catch (TypeInitializationException error) when (error.InnerException is DllNotFoundException)
            {
                return "--format onnx: the library onnxruntime, which checks the written file, is not beside the " +
                    "program. Use a program with its native libraries, or another format.";
            }
        }
    }

    /// <summary>Runs a model file on images.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">Shape [N, 3, H, W].</param>
    /// <returns>Shape [N, D].</returns>
    public static Tensor Run(string path, Tensor images)
    {
        using var sessionOptions = new SessionOptions
        {
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using var session = new InferenceSession(path, sessionOptions);
        using var options = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(HostMemory.Floats(images), images.shape);
        using var outputs = session.Run(options, session.InputNames, [input], session.OutputNames);
        return tensor(outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[0].GetTensorTypeAndShape().Shape);
    }
}
