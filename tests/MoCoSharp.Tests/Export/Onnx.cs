using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Export;

/// <summary>An ONNX file as others see it: run by ONNX Runtime, or read field by field.</summary>
internal sealed class Onnx(byte[] file) : IDisposable
{
    private readonly InferenceSession session = new(
        file,
        new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR });

    public IReadOnlyDictionary<string, string> Metadata => session.ModelMetadata.CustomMetadataMap;

    public string Input => Value(session.InputMetadata.Single());

    public string Output => Value(session.OutputMetadata.Single());

    public Tensor Run(Tensor images)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(
            images.contiguous().data<float>().ToArray(),
            images.shape);
        using var outputs = session.Run(new RunOptions(), session.InputNames, [input], session.OutputNames);
        return tensor(outputs[0].GetTensorDataAsSpan<float>().ToArray(), outputs[0].GetTensorTypeAndShape().Shape);
    }

    /// <summary>Domain and version of each operator set, and the types of the nodes, straight from the bytes.</summary>
    public (List<(string Domain, long Version)> OperatorSets, List<string> NodeTypes) Read()
    {
        var sets = Fields(file, 8)
            .Select(set =>
                (
                    Fields(set, 1).Select(text => System.Text.Encoding.UTF8.GetString(text)).SingleOrDefault(""),
                    Number(set, 2)))
            .ToList();
        var types = Fields(Fields(file, 7).Single(), 1)
            .Select(node => System.Text.Encoding.UTF8.GetString(Fields(node, 4).Single()))
            .ToList();
        return (sets, types);
    }

    public void Dispose() => session.Dispose();

    // -1 is a dimension that is free.
    private static string Value(KeyValuePair<string, NodeMetadata> item) =>
        $"{item.Key} [{string.Join(", ", item.Value.Dimensions)}]";

    private static List<byte[]> Fields(byte[] message, int number)
    {
        var found = new List<byte[]>();
        var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == WireFormat.MakeTag(number, WireFormat.WireType.LengthDelimited))
            {
                found.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return found;
    }

    private static long Number(byte[] message, int number)
    {
        var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            if (tag == WireFormat.MakeTag(number, WireFormat.WireType.Varint))
            {
                return input.ReadInt64();
            }

            input.SkipLastField();
        }

        return -1;
    }
}
