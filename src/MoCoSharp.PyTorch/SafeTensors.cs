using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>
/// Reads and writes safetensors: 8 bytes of header length, a JSON header, the values. Nothing in a file is executed.
/// </summary>
/// <remarks>Specification: <see href="https://github.com/huggingface/safetensors"/>.</remarks>
public sealed class SafeTensors : IDisposable
{
    internal const int LongestHeader = 100_000_000; // as in the reference implementation

    private static readonly Dictionary<string, ScalarType> Types = new(StringComparer.Ordinal)
    {
        ["BOOL"] = ScalarType.Bool,
        ["U8"] = ScalarType.Byte,
        ["I8"] = ScalarType.Int8,
        ["I16"] = ScalarType.Int16,
        ["I32"] = ScalarType.Int32,
        ["I64"] = ScalarType.Int64,
        ["F16"] = ScalarType.Float16,
        ["BF16"] = ScalarType.BFloat16,
        ["F32"] = ScalarType.Float32,
        ["F64"] = ScalarType.Float64,
    };

    private SafeTensors(IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata) =>
        (Tensors, Metadata) = (tensors, metadata);

    /// <summary>The tensors by name, on the CPU.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors { get; }

    /// <summary>Texts by key.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>
    /// Writes tensors in order, metadata, and a checksum of all. The same input gives the same bytes.
    /// </summary>
    /// <param name="stream">Written from its beginning. It must be seekable.</param>
    /// <param name="tensors">Any device and layout. Stored contiguous.</param>
    /// <param name="metadata">Texts by key.</param>
    public static void Write(
        Stream stream,
        IReadOnlyList<(string Name, Tensor Tensor)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var sizes = tensors.Select(item =>
            (item.Name, item.Tensor.dtype, item.Tensor.shape, item.Tensor.numel() * item.Tensor.element_size()));
        using var noGrad = no_grad();
        Write(stream, [.. sizes], metadata, (index, put) =>
        {
            using var scope = NewDisposeScope();
            put(tensors[index].Tensor.detach().cpu().contiguous().bytes);
        });
    }

    /// <summary>Writes tensors from plain memory, on any thread.</summary>
    /// <param name="stream">Written from its beginning. It must be seekable.</param>
    /// <param name="tensors">The tensors. Their memory must stay alive during the call.</param>
    /// <param name="metadata">Texts by key.</param>
    internal static void WriteHost(
        Stream stream,
        IReadOnlyList<HostTensor> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(
            stream,
            [.. tensors.Select(item => (item.Name, item.Type, item.Shape, item.Size))],
            metadata,
            (index, put) => tensors[index].InOrder(put));
    }

    private static void Write(
        Stream stream,
        IReadOnlyList<(string Name, ScalarType Type, long[] Shape, long Size)> tensors,
        IReadOnlyDictionary<string, string> metadata,
        Action<int, BytesTaker> values)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(metadata);
        var header = Header(
            tensors,
            new Dictionary<string, string>(metadata, StringComparer.Ordinal) { [Checksum.Key] = Checksum.Blank });
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        PutAndHash(length);
        PutAndHash(header);
        for (var i = 0; i < tensors.Count; i++)
        {
            if (tensors[i].Size > 0)
            {
                values(i, PutAndHash);
            }
        }

        stream.Position = 8 + Checksum.Place(header);
        stream.Write(Encoding.UTF8.GetBytes(Checksum.Digits(hash)));
        stream.Position = stream.Length;

        void PutAndHash(ReadOnlySpan<byte> bytes)
        {
            stream.Write(bytes);
            hash.AppendData(bytes);
        }
    }

    /// <summary>Reads all tensors and the metadata. Disposing the result frees the tensors.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">
    /// The file does not follow the format. The message says where.
    /// </exception>
    public static SafeTensors Read(string path)
    {
        using var stream = File.OpenRead(path);
        Checksum.Verify(stream, path);
        stream.Position = 0;
        var (entries, metadata, dataStart) = ReadHeader(stream, path);
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var entry in entries)
            {
                using var scope = NewDisposeScope();
                var tensor = empty(entry.Shape, dtype: entry.Type);
                if (entry.End > entry.Begin)
                {
                    stream.Position = dataStart + entry.Begin;
                    stream.ReadExactly(tensor.bytes);
                }

                tensors.Add(entry.Name, tensor.DetachFromDisposeScope());
            }
        }
        catch
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }

            throw;
        }

        return new SafeTensors(tensors, metadata);
    }

    /// <summary>Reads names, shapes and metadata, without the values.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The header does not follow the format.</exception>
    public static (
        IReadOnlyList<(string Name, ScalarType Type, long[] Shape, long SizeBytes)> Entries,
        IReadOnlyDictionary<string, string> Metadata) ReadHeader(string path)
    {
        using var stream = File.OpenRead(path);
        var (entries, metadata, _) = ReadHeader(stream, path);
        return ([.. entries.Select(entry => (entry.Name, entry.Type, entry.Shape, entry.End - entry.Begin))], metadata);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private static byte[] Header(
        IReadOnlyList<(string Name, ScalarType Type, long[] Shape, long Size)> tensors,
        IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (var (name, type, shape, size) in tensors)
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", Types.First(known => known.Value == type).Key);
                json.WriteStartArray("shape");
                foreach (var dimension in shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset + size);
                json.WriteEndArray();
                json.WriteEndObject();
                offset += size;
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' '); // the values start aligned
        }

        return buffer.ToArray();
    }

    private static (List<Entry> Entries, Dictionary<string, string> Metadata, long DataStart) ReadHeader(
        FileStream stream,
        string path)
    {
        InvalidDataException Fault(string what) => new($"{path}: {what}");
        Span<byte> lengthBytes = stackalloc byte[8];
        if (stream.ReadAtLeast(lengthBytes, 8, throwOnEndOfStream: false) < 8)
        {
            throw Fault($"a safetensors file starts with 8 bytes of header length, found {stream.Length}.");
        }

        var length = BinaryPrimitives.ReadInt64LittleEndian(lengthBytes);
        if (length < 2 || length > LongestHeader || length > stream.Length - 8)
        {
            throw Fault(
                $"the header is said to be {length} bytes long, in a file of {stream.Length}. Is it a whole " +
                "safetensors file?");
        }

        var header = new byte[length];
        stream.ReadExactly(header);
        var available = stream.Length - 8 - length;
        var entries = new List<Entry>();
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                if (property.NameEquals("__metadata__"))
                {
                    foreach (var item in property.Value.EnumerateObject())
                    {
                        metadata[item.Name] = item.Value.GetString() ?? "";
                    }
                }
                else
                {
                    entries.Add(ReadEntry(property));
                }
            }
        }
        catch (Exception error)
            when (error
                    is JsonException
                        or InvalidOperationException
                        or FormatException
                        or KeyNotFoundException
                        or DecoderFallbackException)
        {
            throw new InvalidDataException($"{path}: the header cannot be read: {error.Message}", error);
        }

        // The values are contiguous, from the first byte to the last: without gaps or overlaps.
        long expected = 0;
        foreach (var entry in entries.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin != expected || entry.End < entry.Begin)
            {
                throw Fault(
                    $"{entry.Name} is at bytes {entry.Begin} to {entry.End}, expected from {expected}: values " +
                    "overlap, or leave a gap.");
            }

            expected = entry.End;
        }

        if (expected != available)
        {
            throw Fault($"{available} bytes of values, expected {expected}. Was it cut short?");
        }

        if (
            entries.GroupBy(entry => entry.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is
            { } twice)
        {
            throw Fault($"{twice.Key} occurs twice.");
        }

        return (entries, metadata, 8 + length);

        Entry ReadEntry(JsonProperty property)
        {
            var typeName = property.Value.GetProperty("dtype").GetString() ?? "";
            if (!Types.TryGetValue(typeName, out var type))
            {
                throw Fault($"{property.Name} is of type {typeName}, expected one of {string.Join(", ", Types.Keys)}.");
            }

            var shape = property.Value.GetProperty("shape").EnumerateArray().Select(item => item.GetInt64()).ToArray();
            var offsets = property
                .Value.GetProperty("data_offsets")
                .EnumerateArray()
                .Select(item => item.GetInt64())
                .ToArray();
            Int128 size = type switch
            {
                ScalarType.Float64 or ScalarType.Int64 => 8,
                ScalarType.Float32 or ScalarType.Int32 => 4,
                ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
                _ => 1,
            };
            foreach (var dimension in shape)
            {
                size *= dimension;
                if (dimension < 0 || size > available)
                {
                    throw Fault(
                        $"{property.Name} of shape [{string.Join(", ", shape)}] does not fit into {available} bytes.");
                }
            }

            if (offsets is not [var begin, var end] || (Int128)end - begin != size)
            {
                throw Fault(
                    $"{property.Name} of shape [{string.Join(", ", shape)}] and type {typeName} takes {size} bytes, "
                        + $"its data_offsets are [{string.Join(", ", offsets)}].");
            }

            return new Entry(property.Name, type, shape, begin, end);
        }
    }

    // A tensor's bytes are those from Begin to before End, relative to the first value of the file.
    private sealed record Entry(string Name, ScalarType Type, long[] Shape, long Begin, long End);
}
