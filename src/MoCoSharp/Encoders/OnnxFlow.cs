namespace MoCoSharp.Encoders;

/// <summary>Follows the values of an ONNX graph from operation to operation. Each operation is passed once.</summary>
/// <remarks>Names mean nothing here. Identity and Dropout, which change nothing in evaluation, are skipped.</remarks>
internal sealed class OnnxFlow
{
    private readonly string _path;
    private readonly OnnxModel _model;
    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal); // output of an Identity: input
    private readonly Dictionary<string, OnnxTensor> _constants = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<OnnxNode>> _consumers = new(StringComparer.Ordinal);
    private readonly HashSet<OnnxNode> _passed = [];

    public OnnxFlow(OnnxModel model, string path)
    {
        (_model, _path) = (model, path);
        if (model.Nodes.Count == OnnxReader.MostKept)
        {
            throw Fault($"it has {OnnxReader.MostKept} operations or more");
        }

        foreach (var node in model.Nodes)
        {
            if (node.Operation is "Identity" or "Dropout" && node.Inputs.Count > 0)
            {
                _sources[node.Output] = Source(node.Inputs[0]);
            }
            else if (node.Operation == "Constant")
            {
                if (node.Attributes.GetValueOrDefault("value")?.Tensor is { } constant)
                {
                    _constants[node.Output] = constant;
                }
            }
            else if (node.Operation != "Shape") // of Flatten, as some exporters write it
            {
                foreach (var input in node.Inputs.Select(Source).Distinct())
                {
                    if (!_consumers.TryGetValue(input, out var consumers))
                    {
                        _consumers[input] = consumers = [];
                    }

                    consumers.Add(node);
                }
            }
        }
    }

    /// <summary>The input of the graph that is no weight.</summary>
    public OnnxValue Images => _model.Images.Count == 1
        ? _model.Images[0]
        : throw Fault($"it has {_model.Images.Count} inputs, expected 1, the images");

    /// <summary>The operations that read a value.</summary>
    public IReadOnlyList<OnnxNode> Consumers(string value) => _consumers.GetValueOrDefault(value) ?? [];

    /// <summary>The only operation that reads a value; null if there is none.</summary>
    public OnnxNode? Next(string value) => Consumers(value) switch
    {
        [] => null,
        [var node] => node,
        var several => throw Fault($"{several.Count} operations read the value {value}, expected 1"),
    };

    /// <summary>Passes an operation.</summary>
    /// <returns>Its output.</returns>
    public string Pass(OnnxNode node) => node.Outputs.Count == 0 ? throw Fault($"{node} has no output")
        : _passed.Add(node) ? node.Output
        : throw Fault($"{node} is its own input");

    /// <summary>The weight that an operation reads; null if the input is missing, or no weight.</summary>
    public OnnxTensor? FindWeight(OnnxNode node, int input)
    {
        var name = input < node.Inputs.Count ? Source(node.Inputs[input]) : "";
        return name.Length == 0 ? null
            : _model.Tensors.GetValueOrDefault(name) ?? _constants.GetValueOrDefault(name);
    }

    /// <summary>The weight that an operation reads.</summary>
    public OnnxTensor Weight(OnnxNode node, int input) => FindWeight(node, input)
        ?? throw Fault($"input {input} of {node} is no weight of the file");

    /// <summary>The reason why this graph is not supported.</summary>
    public InvalidDataException Fault(string what) => new(
        $"{_path}: holds no ResNet that can be built here: {what}. Expected the operations of torchvision's ResNets: " +
        "Conv, BatchNormalization, Relu, MaxPool, Add, GlobalAveragePool, Gemm.");

    // Operations are in order, so the source of an input is known.
    private string Source(string name) => _sources.GetValueOrDefault(name) ?? name;
}
