namespace MoCoSharp.Encoders;

/// <summary>Reads the messages of an ONNX file. The file is untrusted: every list is bounded.</summary>
/// <remarks>
/// Field numbers are those of onnx.proto, <see href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto"/>.
/// </remarks>
internal sealed class OnnxReader(Stream stream, string path)
{
    /// <summary>Operations and weights that are kept at most. A ResNet-152 has 520 and 780.</summary>
    public const int MostKept = 10_000;

    private const int MostListed = 1000;
    private const int MostNamed = 64; // inputs, outputs, settings and dimensions

    private static readonly string[] Types =
    [
        "?", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
        "uint32", "uint64", "complex64", "complex128", "bfloat16",
    ];

    private readonly OnnxFields _fields = new(stream, path);
    private readonly List<string> _opsets = [];
    private readonly List<OnnxValue> _inputs = [];
    private readonly List<OnnxValue> _outputs = [];
    private readonly SortedDictionary<string, int> _operations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly List<OnnxNode> _nodes = [];
    private readonly Dictionary<string, OnnxTensor> _tensors = new(StringComparer.Ordinal);
    private int _weights;
    private long _weightBytes;

    /// <summary>The name of an element type: "float32"; "?" if it is unknown.</summary>
    public static string TypeName(long type) => Types[type > 0 && type < Types.Length ? type : 0];

    /// <summary>Reads the whole file but the values of its weights.</summary>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or is broken.</exception>
    public OnnxModel Model()
    {
        var (version, producer, producerVersion, hasGraph) = (0L, "", "", false);
        foreach (var field in _fields.Between(0, stream.Length))
        {
            switch (field.Number)
            {
                case 1: version = field.Value; break;
                case 2: producer = _fields.Text(field); break;
                case 3: producerVersion = _fields.Text(field); break;
                case 7 when field.IsBytes: hasGraph = true; Graph(field); break;
                case 8 when field.IsBytes && _opsets.Count < MostListed: _opsets.Add(Opset(field)); break;
                case 14 when field.IsBytes && _metadata.Count < MostListed:
                    _metadata[_fields.First(field, 1)] = _fields.First(field, 2);
                    break;
                default: break;
            }
        }

        if (!hasGraph || version is < 1 or >= 100)
        {
            throw new InvalidDataException($"{path}: is not an ONNX model: it has no graph, or no version.");
        }

        IReadOnlyList<OnnxValue> images = [.. _inputs.Where(input => !_tensors.ContainsKey(input.Name))];
        return new()
        {
            FormatVersion = version,
            Producer = $"{producer} {producerVersion}".Trim(),
            Opsets = _opsets,
            Inputs = [.. images.Select(input => $"{input}")],
            Outputs = [.. _outputs.Select(output => $"{output}")],
            Operations = _operations,
            Weights = _weights,
            WeightBytes = _weightBytes,
            Metadata = _metadata,
            Nodes = _nodes,
            Tensors = _tensors,
            Images = images,
        };
    }

    private void Graph(OnnxField graph)
    {
        foreach (var field in _fields.Of(graph).Where(field => field.IsBytes))
        {
            switch (field.Number)
            {
                case 1: Add(Node(field)); break;
                case 5:
                    _weights++;
                    _weightBytes += field.End - field.Begin;
                    if (_tensors.Count < MostKept)
                    {
                        var tensor = Tensor(field);
                        _tensors.TryAdd(tensor.Name, tensor);
                    }

                    break;
                case 11 when _inputs.Count < MostKept: _inputs.Add(Value(field)); break;
                case 12 when _outputs.Count < MostListed: _outputs.Add(Value(field)); break;
                default: break;
            }
        }
    }

    private void Add(OnnxNode node)
    {
        if (_operations.Count < MostListed || _operations.ContainsKey(node.Operation))
        {
            _operations[node.Operation] = _operations.GetValueOrDefault(node.Operation) + 1;
        }

        if (_nodes.Count < MostKept)
        {
            _nodes.Add(node);
        }
    }

    private OnnxNode Node(OnnxField message)
    {
        var (operation, inputs, outputs) = ("", new List<string>(), new List<string>());
        var attributes = new Dictionary<string, OnnxAttribute>(StringComparer.Ordinal);
        foreach (var field in _fields.Of(message).Where(field => field.IsBytes))
        {
            switch (field.Number)
            {
                case 1 when inputs.Count < MostNamed: inputs.Add(_fields.Text(field)); break;
                case 2 when outputs.Count < MostNamed: outputs.Add(_fields.Text(field)); break;
                case 4: operation = _fields.Text(field); break;
                case 5 when attributes.Count < MostNamed:
                    attributes[_fields.First(field, 1)] = Attribute(field);
                    break;
                default: break;
            }
        }

        return new() { Operation = operation, Inputs = inputs, Outputs = outputs, Attributes = attributes };
    }

    private OnnxAttribute Attribute(OnnxField message)
    {
        var (integers, number, text, tensor) = (new List<long>(), 0f, "", (OnnxTensor?)null);
        foreach (var field in _fields.Of(message))
        {
            switch (field.Number)
            {
                case 2: number = _fields.Single(field); break;
                case 3 when !field.IsBytes: integers.Add(field.Value); break;
                case 4: text = _fields.Text(field); break;
                case 5 when field.IsBytes: tensor = Tensor(field); break;
                case 8: integers.AddRange(_fields.Numbers(field, MostNamed - integers.Count)); break;
                default: break;
            }
        }

        return new(integers, number, text, tensor);
    }

    private OnnxTensor Tensor(OnnxField message)
    {
        var (name, type, isExternal, begin, end) = ("", 0L, false, 0L, 0L);
        var shape = new List<long>();
        foreach (var field in _fields.Of(message))
        {
            switch (field.Number)
            {
                case 1: shape.AddRange(_fields.Numbers(field, MostNamed - shape.Count)); break;
                case 2: type = field.Value; break;
                case 4 or 9 when field.IsBytes: (begin, end) = (field.Begin, field.End); break; // float or raw values
                case 8: name = _fields.Text(field); break;
                case 13: isExternal = true; break;
                case 14: isExternal |= field.Value == 1; break;
                default: break;
            }
        }

        return new(name, shape, type, isExternal, begin, end);
    }

    private string Opset(OnnxField message)
    {
        var (domain, number) = ("", 0L);
        foreach (var field in _fields.Of(message))
        {
            domain = field.Number == 1 ? _fields.Text(field) : domain;
            number = field.Number == 2 ? field.Value : number;
        }

        return domain.Length == 0 ? $"{number}" : $"{domain} {number}";
    }

    // ValueInfo: name, type { tensor { element, shape { dimension { size or name } } } }
    private OnnxValue Value(OnnxField info)
    {
        var (type, shape) = (0L, new List<string>());
        foreach (var field in Within(Within([info], 2), 1).SelectMany(tensor => _fields.Of(tensor)))
        {
            if (field.Number == 1)
            {
                type = field.Value;
            }
            else if (field is { Number: 2, IsBytes: true })
            {
                shape.AddRange(Within([field], 1).Take(MostNamed).Select(Dimension));
            }
        }

        return new(_fields.First(info, 1), TypeName(type), shape);
    }

    private string Dimension(OnnxField dimension)
    {
        foreach (var field in _fields.Of(dimension))
        {
            return field.IsBytes ? _fields.Text(field) : $"{field.Value}";
        }

        return "?";
    }

    private List<OnnxField> Within(IEnumerable<OnnxField> messages, int number) =>
    [
        .. messages.SelectMany(message =>
            _fields.Of(message).Where(inner => inner.Number == number && inner.IsBytes).Take(MostNamed).ToList()),
    ];
}
