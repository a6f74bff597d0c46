using Google.Protobuf;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>An ONNX model under construction: nodes in order, weights, one input, one output.</summary>
/// <remarks>
/// Field numbers are those of onnx.proto, <see href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto"/>.
/// </remarks>
internal sealed class OnnxGraph
{
    private const long FormatVersion = 8; // of the file; the one that came with opset 17
    private const int Float = 1, AttributeFloat = 1, AttributeInt = 2, AttributeInts = 7;

    private readonly List<ProtoMessage> _nodes = [];
    private readonly List<ProtoMessage> _weights = [];

    /// <summary>Adds an operation.</summary>
    /// <param name="type">Of the default operator set.</param>
    /// <param name="output">Name of the value that it gives, and of the node.</param>
    /// <param name="inputs">Names of values and weights.</param>
    /// <param name="attributes">As the operator's documentation has them.</param>
    /// <returns>The output's name.</returns>
    public string Node(string type, string output, string[] inputs, params ProtoMessage[] attributes)
    {
        _nodes.Add(new ProtoMessage()
            .AddEach(inputs, (node, input) => node.Add(1, input))
            .Add(2, output)
            .Add(3, output)
            .Add(4, type)
            .AddEach(attributes, (node, attribute) => node.Add(5, attribute)));
        return output;
    }

    /// <summary>Adds a weight; it is read when the model is written, and must live until then.</summary>
    /// <returns>Its name.</returns>
    public string Weight(string name, Tensor value)
    {
        _weights.Add(new ProtoMessage()
            .AddEach(value.shape, (weight, size) => weight.Add(1, size))
            .Add(2, Float)
            .Add(8, name)
            .Add(9, value.numel() * sizeof(float), () => Bytes(value)));
        return name;
    }

    public static ProtoMessage Attribute(string name, float value) =>
        new ProtoMessage().Add(1, name).Add(2, value).Add(20, AttributeFloat);

    public static ProtoMessage Attribute(string name, long value) =>
        new ProtoMessage().Add(1, name).Add(3, value).Add(20, AttributeInt);

    public static ProtoMessage Attribute(string name, long[] values) => new ProtoMessage()
        .Add(1, name).AddEach(values, (attribute, value) => attribute.Add(8, value)).Add(20, AttributeInts);

    /// <summary>The whole model.</summary>
    /// <param name="name">Of the graph.</param>
    /// <param name="opset">Version of the default operator set.</param>
    /// <param name="input">Name and shape; a dimension of 0 is free, and called "batch".</param>
    /// <param name="output">The same.</param>
    /// <param name="metadata">Free text by key.</param>
    public ProtoMessage Model(
        string name, long opset, (string Name, long[] Shape) input, (string Name, long[] Shape) output,
        IReadOnlyDictionary<string, string> metadata)
    {
        var graph = new ProtoMessage()
            .AddEach(_nodes, (message, node) => message.Add(1, node))
            .Add(2, name)
            .AddEach(_weights, (message, weight) => message.Add(5, weight))
            .Add(11, Value(input.Name, input.Shape))
            .Add(12, Value(output.Name, output.Shape));
        return new ProtoMessage()
            .Add(1, FormatVersion)
            .Add(2, "MoCoSharp")
            .Add(7, graph)
            .Add(8, new ProtoMessage().Add(1, "").Add(2, opset))
            .AddEach(
                metadata,
                (message, item) => message.Add(14, new ProtoMessage().Add(1, item.Key).Add(2, item.Value)));
    }

    private static ProtoMessage Value(string name, long[] shape)
    {
        var dimensions = new ProtoMessage().AddEach(shape, (message, size) =>
            message.Add(1, size == 0 ? new ProtoMessage().Add(2, "batch") : new ProtoMessage().Add(1, size)));
        return new ProtoMessage()
            .Add(1, name)
            .Add(2, new ProtoMessage().Add(1, new ProtoMessage().Add(1, Float).Add(2, dimensions)));
    }

    private static ByteString Bytes(Tensor value)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return ByteString.CopyFrom(value.detach().to(float32).cpu().contiguous().bytes);
    }
}
