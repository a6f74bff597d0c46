namespace MoCoSharp.Encoders;

/// <summary>What an ONNX file holds. Reading skips the weights and executes nothing.</summary>
public sealed class OnnxModel
{
    internal OnnxModel()
    {
    }

    /// <summary>Version of the file format.</summary>
    public required long FormatVersion { get; init; }

    /// <summary>The program that wrote it, with its version; empty if unknown.</summary>
    public required string Producer { get; init; }

    /// <summary>Versions of the operator sets, with their domains.</summary>
    public required IReadOnlyList<string> Opsets { get; init; }

    /// <summary>Name, type and shape of each input.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>Name, type and shape of each output.</summary>
    public required IReadOnlyList<string> Outputs { get; init; }

    /// <summary>Number of operations of each kind.</summary>
    public required IReadOnlyDictionary<string, int> Operations { get; init; }

    /// <summary>Number of weights.</summary>
    public required int Weights { get; init; }

    /// <summary>Size of the weights in the file, in bytes.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Free text by key.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>The operations in order; at most <see cref="OnnxReader.MostKept"/>.</summary>
    internal IReadOnlyList<OnnxNode> Nodes { get; init; } = [];

    /// <summary>The weights by name; at most <see cref="OnnxReader.MostKept"/>.</summary>
    internal IReadOnlyDictionary<string, OnnxTensor> Tensors { get; init; } =
        new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);

    /// <summary>The inputs that are no weights.</summary>
    internal IReadOnlyList<OnnxValue> Images { get; init; } = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or is broken.</exception>
    public static OnnxModel Read(string path)
    {
        using var stream = Open(path);
        return Read(stream, path);
    }

    /// <summary>Whether a file is an ONNX model, by its first bytes, or by its ending if it is no text.</summary>
    public static bool IsOnnx(string path)
    {
        if (ForeignWeights.IsSafeTensors(path))
        {
            return false;
        }

        using var stream = File.OpenRead(path);
        var head = new byte[64];
        head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        // Version (1), then the producer (2) or the graph (7).
        return head is [0x08, >= 1 and <= 20, 0x12 or 0x3A, ..]
            || (
                Path.GetExtension(path).Equals(".onnx", StringComparison.OrdinalIgnoreCase)
                && head.AsSpan().ContainsAnyInRange((byte)0, (byte)8));
    }

    /// <summary>Reads a seekable stream.</summary>
    internal static OnnxModel Read(Stream stream, string path) => new OnnxReader(stream, path).Model();

    /// <summary>Opens a file to read a model and then its weights.</summary>
    internal static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
}
