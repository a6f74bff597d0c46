using System.Buffers.Binary;
using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>
/// The format of PyTorch before 1.6: several pickles, then the storages. The released MoCo checkpoints use it.
/// </summary>
internal static class TorchLegacy
{
    /// <summary>The start of a file: a pickle of the magic number.</summary>
    public static ReadOnlySpan<byte> Start =>
        [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'];

    private const int Version = 1001;
    private static readonly BigInteger Magic = BigInteger.Parse("119547037146038801333356");

    /// <summary>Reads the header: version and byte order.</summary>
    /// <returns>True. Anything else is an exception.</returns>
    /// <exception cref="InvalidDataException">The version or byte order is not supported.</exception>
    public static bool ReadHeader(Stream stream, string source)
    {
        stream.Position = 0;
        if (
            Next(stream, source) is not PickleInteger magic
            || magic.Value != Magic
            || Next(stream, source) is not PickleInteger version
            || version.Value != Version)
        {
            throw new InvalidDataException($"{source}: is not of version {Version} of PyTorch's old format.");
        }

        return
            Next(stream, source) is PickleDictionary system
            && system.TryGet("little_endian", out var isLittle)
            && isLittle is PickleBoolean { Value: true }
            ? true
            : throw new InvalidDataException(
                $"{source}: was saved on a big-endian machine. Load it in PyTorch on a common one and save it again.");
    }

    public static PickleValue Read(FileStream stream, string source, TensorOwner owner)
    {
        ReadHeader(stream, source);
        var storages = new Storages(stream, source, owner);
        var value = new PickleReader(stream, source, owner, storages).Read();
        if (Next(stream, source) is not PickleList keys)
        {
            throw new InvalidDataException($"{source}: the list of storages is missing. Was it cut short?");
        }

        storages.Locate([.. keys.Select(key => (key as PickleText)?.Value ?? "")]);
        return value;
    }

    /// <summary>Writes a file. The same tree gives the same bytes.</summary>
    public static void Write(Stream stream, PickleValue value)
    {
        stream.Write(Start);
        PickleWriter.Write(stream, Version);
        PickleWriter.Write(stream, new PickleDictionary
        {
            ["protocol_version"] = Version,
            ["little_endian"] = true,
            ["type_sizes"] = new PickleDictionary { ["short"] = 2, ["int"] = 4, ["long"] = 4 },
        });
        var storages = PickleWriter.WriteTorch(stream, value, isLegacy: true);
        var keys = new PickleList();
        foreach (var storage in storages)
        {
            keys.Add(storage.Key);
        }

        PickleWriter.Write(stream, keys);
        Span<byte> count = stackalloc byte[8];
        foreach (var storage in storages)
        {
            BinaryPrimitives.WriteInt64LittleEndian(count, storage.Tensor.numel());
            stream.Write(count);
            TensorBytes.Write(storage.Tensor, stream.Write);
        }
    }

    private static PickleValue Next(Stream stream, string source)
    {
        using var owner = new TensorOwner(); // for plain values
        return new PickleReader(stream, source, owner, storages: null).Read();
    }

    private sealed class Storages(FileStream stream, string source, TensorOwner owner) : IStorages
    {
        private readonly Dictionary<string, (TorchStorage Storage, long Count, long Size)> _found = new(
            StringComparer.Ordinal);
        private readonly Dictionary<string, long> _positions = new(StringComparer.Ordinal);

        public TorchStorage Find(string key, ScalarType? type, long count)
        {
            var size = count * (type is { } known ? TorchTypes.Size(known) : 1);
            if (size > stream.Length)
            {
                throw new PickleException($"storage {key} claims {size} bytes, in a file of {stream.Length}");
            }

            if (!_found.TryGetValue(key, out var found))
            {
                _found[key] = found = (
                    new TorchStorage(type, size, stream.Length, wanted => Values(key, size, wanted), owner),
                    count,
                    size);
            }

            return found.Storage.Is(type, size)
                ? found.Storage
                : throw new PickleException($"storage {key} is named with different types or sizes");
        }

        /// <summary>Finds the position of each storage. Each follows its number of elements.</summary>
        public void Locate(string[] keys)
        {
            Span<byte> countBytes = stackalloc byte[8];
            foreach (var key in keys)
            {
                var position = stream.Position + 8;
                if (!_found.TryGetValue(key, out var found) || position + found.Size > stream.Length)
                {
                    throw new InvalidDataException(found.Storage is null
                        ? $"{source}: storage {key} belongs to no tensor."
                        : $"{source}: storage {key} of {found.Size} bytes ends after the end of the file, at " +
                            $"{stream.Length}. It was cut short: download it again.");
                }

                stream.ReadExactly(countBytes);
                if (
                    BinaryPrimitives.ReadInt64LittleEndian(countBytes) != found.Count
                    || !_positions.TryAdd(key, position))
                {
                    throw new InvalidDataException(
                        $"{source}: storage {key} has {BinaryPrimitives.ReadInt64LittleEndian(countBytes)} elements, "
                            + $"expected {found.Count}, once.");
                }

                stream.Position = position + found.Size;
            }

            if (_positions.Count < _found.Count)
            {
                throw new InvalidDataException(
                    $"{source}: storage {_found.Keys.First(key => !_positions.ContainsKey(key))} is missing.");
            }
        }

        private Tensor Values(string key, long size, ScalarType type)
        {
            stream.Position = _positions[key];
            return TensorBytes.Read(type, size / TorchTypes.Size(type), stream.ReadExactly);
        }
    }
}
