using System.Text;

namespace MoCoSharp.Cli.Inspection;

/// <summary>A summary of an ONNX file. Reading skips the weights.</summary>
/// <param name="FormatVersion">Version of the file format.</param>
/// <param name="Producer">The program that wrote it, with its version.</param>
/// <param name="Graph">The graph's name.</param>
/// <param name="Opsets">Versions of the operator sets.</param>
/// <param name="Inputs">Name, type and shape of each.</param>
/// <param name="Outputs">Name, type and shape of each.</param>
/// <param name="Operations">Number of operations of each kind.</param>
/// <param name="Weights">Number of weight tensors.</param>
/// <param name="WeightBytes">Their size in the file.</param>
/// <param name="Metadata">Free text by key.</param>
/// <remarks>
/// Field numbers are those of onnx.proto, <see href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto"/>.
/// </remarks>
internal sealed record OnnxSummary(
    long FormatVersion, string Producer, string Graph, IReadOnlyList<string> Opsets, IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    IReadOnlyDictionary<string, int> Operations, int Weights, long WeightBytes,
    IReadOnlyDictionary<string, string> Metadata)
{
    private const int LengthDelimited = 2;
    private const int MostFields = 5_000_000;
    private const int LongestText = 1 << 16; // bytes; longer texts are cut
    private const int MostListed = 1000;

    private static readonly string[] Types =
    [
        "?", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
        "uint32", "uint64", "complex64", "complex128", "bfloat16",
    ];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or is broken.</exception>
    public static OnnxSummary Read(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        return Read(stream, path);
    }

    /// <summary>Reads a seekable stream.</summary>
    internal static OnnxSummary Read(Stream stream, string path)
    {
        var message = new Message(stream, path);
        var (version, producer, producerVersion, graphName) = (0L, "", "", "");
        var (opsets, inputs, outputs, initialized) = (
            new List<string>(), new List<string>(), new List<string>(),
            new HashSet<string>(StringComparer.Ordinal));
        var operations = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var (weights, weightBytes, hasGraph) = (0, 0L, false);
        foreach (var field in message.Fields(0, stream.Length))
        {
            switch (field.Number)
            {
                case 1: version = field.Value; break;
                case 2: producer = message.Text(field); break;
                case 3: producerVersion = message.Text(field); break;
                case 7 when field.IsMessage: hasGraph = true; ReadGraph(field); break;
                case 8 when field.IsMessage && opsets.Count < MostListed: opsets.Add(Opset(field)); break;
                case 14 when field.IsMessage && metadata.Count < MostListed:
                    metadata[message.First(field, 1)] = message.First(field, 2);
                    break;
                default: break;
            }
        }

        return hasGraph && version is > 0 and < 100
            ? new(
                version, $"{producer} {producerVersion}".Trim(), graphName, opsets,
                [.. inputs.Where(input => !initialized.Contains(input.Split("  ")[0]))],
                outputs,
                operations, weights, weightBytes, metadata)
            : throw new InvalidDataException($"{path}: is not an ONNX model: it has no graph, or no version.");

        void ReadGraph(Field graph)
        {
            foreach (var field in message.Fields(graph.Begin, graph.End))
            {
                switch (field.Number)
                {
                    case 1 when field.IsMessage:
                        var kind = message.First(field, 4);
                        if (operations.Count < MostListed || operations.ContainsKey(kind))
                        {
                            operations[kind] = operations.GetValueOrDefault(kind) + 1;
                        }

                        break;
                    case 2: graphName = message.Text(field); break;
                    case 5 when field.IsMessage:
                        weights++;
                        weightBytes += field.End - field.Begin;
                        if (initialized.Count < 100 * MostListed)
                        {
                            initialized.Add(message.First(field, 8));
                        }

                        break;
                    case 11 when field.IsMessage && inputs.Count < 100 * MostListed: inputs.Add(Value(field)); break;
                    case 12 when field.IsMessage && outputs.Count < MostListed: outputs.Add(Value(field)); break;
                    default: break;
                }
            }
        }

        string Opset(Field opset)
        {
            var (domain, number) = ("", 0L);
            foreach (var field in message.Fields(opset.Begin, opset.End))
            {
                domain = field.Number == 1 ? message.Text(field) : domain;
                number = field.Number == 2 ? field.Value : number;
            }

            return domain.Length == 0 ? $"{number}" : $"{domain} {number}";
        }

        // ValueInfo: name, type { tensor { element, shape { dimension { size or name } } } }
        string Value(Field info)
        {
            var (name, type, shape) = (message.First(info, 1), 0L, new List<string>());
            foreach (var tensor in Within(Within([info], 2), 1))
            {
                foreach (var field in message.Fields(tensor.Begin, tensor.End))
                {
                    if (field.Number == 1)
                    {
                        type = field.Value;
                    }
                    else if (field is { Number: 2, IsMessage: true })
                    {
                        shape.AddRange(Within([field], 1).Take(64).Select(Dimension));
                    }
                }
            }

            return $"{name}  {Types[type > 0 && type < Types.Length ? type : 0]}  [{string.Join(", ", shape)}]";
        }

        string Dimension(Field dimension)
        {
            foreach (var field in message.Fields(dimension.Begin, dimension.End))
            {
                return field.IsMessage ? message.Text(field) : $"{field.Value}";
            }

            return "?";
        }

        List<Field> Within(IEnumerable<Field> fields, int number) =>
            [
                .. fields.SelectMany(field =>
                    message
                        .Fields(field.Begin, field.End)
                        .Where(inner => inner.Number == number && inner.IsMessage)
                        .Take(64)
                        .ToList()),
            ];
    }

    // A field of a protobuf message: a number, or the position of its bytes.
    private readonly record struct Field(int Number, bool IsMessage, long Value, long Begin, long End);

    // The wire format: https://protobuf.dev/programming-guides/encoding/
    private sealed class Message(Stream stream, string path)
    {
        private int _fields;

        public IEnumerable<Field> Fields(long begin, long end)
        {
            for (var position = begin; position < end;)
            {
                if (++_fields > MostFields)
                {
                    throw Fault("has more fields than any model");
                }

                stream.Position = position;
                var tag = Varint(end);
                var number = tag >>> 3;
                if (number is < 1 or > int.MaxValue)
                {
                    throw Fault($"has no field where one should begin, at byte {position}");
                }

                var (value, start, stop) = ((int)(tag & 7)) switch
                {
                    0 => (Varint(end), stream.Position, stream.Position),
                    1 => (0L, stream.Position, stream.Position + 8),
                    LengthDelimited => Length(end),
                    5 => (0L, stream.Position, stream.Position + 4),
                    _ => throw Fault($"has a field of an unknown kind at byte {position}"),
                };
                if (stop > end || stop < start)
                {
                    throw Fault($"has a field that ends after its message, at byte {position}: was it cut short?");
                }

                yield return new Field((int)number, (tag & 7) == LengthDelimited, value, start, stop);
                position = stop;
            }
        }

        public string Text(Field field)
        {
            if (!field.IsMessage)
            {
                return "";
            }

            stream.Position = field.Begin;
            var bytes = new byte[Math.Min(field.End - field.Begin, LongestText)];
            stream.ReadExactly(bytes);
            return new([.. Encoding.UTF8.GetString(bytes).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
        }

        public string First(Field message, int number)
        {
            foreach (var field in Fields(message.Begin, message.End))
            {
                if (field.Number == number)
                {
                    return Text(field);
                }
            }

            return "";
        }

        private (long Value, long Begin, long End) Length(long end)
        {
            var length = Varint(end);
            return length >= 0 && length <= end - stream.Position
                ? (0, stream.Position, stream.Position + length)
                : throw Fault("has a field longer than the file: was it cut short?");
        }

        private long Varint(long end)
        {
            long value = 0;
            for (var shift = 0; shift < 70 && stream.Position < end; shift += 7)
            {
                var next = stream.ReadByte();
                value |= shift < 64 ? (long)(next & 127) << shift : 0;
                if (next is >= 0 and < 128)
                {
                    return value;
                }
            }

            throw Fault("ends inside a number: was it cut short?");
        }

        private InvalidDataException Fault(string what) =>
            new($"{path}: is not an ONNX model, or a broken one: it {what}.");
    }
}
