namespace MoCoSharp.Encoders;

/// <summary>An operation of an ONNX graph.</summary>
internal sealed class OnnxNode
{
    /// <summary>"Conv", "Relu" and so on.</summary>
    public required string Operation { get; init; }

    /// <summary>Names of values and weights. An optional input that is missing has an empty name.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Names of the values that it computes.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>Its settings by name.</summary>
    public required IReadOnlyDictionary<string, OnnxAttribute> Attributes { get; init; }

    /// <summary>Name of the first output; empty if there is none.</summary>
    public string Output => Outputs.Count > 0 ? Outputs[0] : "";

    /// <summary>The operation and its output, for messages.</summary>
    public override string ToString() => $"{Operation} ({Output})";

    /// <summary>A setting of one integer.</summary>
    public long Integer(string name, long unset) => Integers(name) is { Count: > 0 } values ? values[0] : unset;

    /// <summary>A setting of several integers; empty if it is missing.</summary>
    public IReadOnlyList<long> Integers(string name) =>
        Attributes.TryGetValue(name, out var attribute) ? attribute.Integers : [];

    /// <summary>A setting of one number.</summary>
    public float Number(string name, float unset) =>
        Attributes.TryGetValue(name, out var attribute) ? attribute.Number : unset;

    /// <summary>A setting of one word; empty if it is missing.</summary>
    public string Word(string name) => Attributes.TryGetValue(name, out var attribute) ? attribute.Text : "";
}

/// <summary>A setting of an operation. The kind of the setting says which part is meant.</summary>
internal sealed record OnnxAttribute(
    IReadOnlyList<long> Integers, float Number, string Text, OnnxTensor? Tensor);

/// <summary>A weight in an ONNX file: what it is, and the position of its bytes.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape, as the file says it.</param>
/// <param name="Type">Number of its element type; 1 is float32.</param>
/// <param name="IsExternal">Whether the values are in another file.</param>
/// <param name="Begin">Position of the first byte.</param>
/// <param name="End">Position after the last byte.</param>
internal sealed record OnnxTensor(
    string Name, IReadOnlyList<long> Shape, long Type, bool IsExternal, long Begin, long End);

/// <summary>An input or output of a graph.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type: "float32".</param>
/// <param name="Shape">Sizes, or names of free dimensions.</param>
internal sealed record OnnxValue(string Name, string Type, IReadOnlyList<string> Shape)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name}  {Type}  [{string.Join(", ", Shape)}]";
}
