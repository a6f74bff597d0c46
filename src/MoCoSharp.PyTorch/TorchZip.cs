using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>The zip format of PyTorch 1.6 and later: a pickle, and one entry for each storage.</summary>
internal static class TorchZip
{
    private const long LargestPickle = 1 << 28; // bytes of a compressed pickle

    public static PickleValue Read(FileStream stream, string source, TensorOwner owner)
    {
        var entries = ZipDirectory.Read(stream, source);
        var pickles = entries
            .Values.Where(entry =>
                entry.Name.EndsWith("/data.pkl", StringComparison.Ordinal)
                && entry.Name.Count(letter => letter == '/') == 1)
            .ToList();
        if (pickles is not [var pickle])
        {
            throw new InvalidDataException(
                $"{source}: is a zip file with {pickles.Count} entries named */data.pkl, expected one: " +
                $"{Described(entries.Keys)}");
        }

        var root = pickle.Name[..^"data.pkl".Length];
        if (
            entries.Keys.Any(name =>
                name == root + "constants.pkl" || name.StartsWith(root + "code/", StringComparison.Ordinal)))
        {
            throw new InvalidDataException(
                $"{source}: is a TorchScript archive, that is, a program. Load it in PyTorch and save its " +
                "state_dict() instead.");
        }

        if (
            entries.TryGetValue(root + "byteorder", out var order)
            && (order.Size > 16 || Encoding.ASCII.GetString(ZipDirectory.Content(stream, order, source)) != "little"))
        {
            throw new InvalidDataException(
                $"{source}: was saved on a big-endian machine. Load it in PyTorch on a common one and save it again.");
        }

        if (pickle.IsDeflated && pickle.Size > LargestPickle)
        {
            throw new InvalidDataException(
                $"{source}: {pickle.Name} claims to unpack to {pickle.Size} bytes, expected at most {LargestPickle}.");
        }

        using var content = new MemoryStream(ZipDirectory.Content(stream, pickle, source), writable: false);
        return new PickleReader(content, source, owner, new Storages(stream, source, entries, root, owner)).Read();
    }

    private static string Described(IEnumerable<string> names)
    {
        var some = names.Take(1000).ToList();
        return some switch
        {
            [] => "it is empty.",
            _ when some.All(name => name.EndsWith(".npy", StringComparison.Ordinal)) => "it is a NumPy archive (.npz).",
            _ when some.Any(name => name is "model.weights.h5") => "it is a Keras model, not PyTorch's.",
            _ =>
                $"it is not a PyTorch file but an archive, with {string.Join(", ", some.Take(3))}. Unpack it, and " +
                "give the file of weights inside.",
        };
    }

    /// <summary>Writes a file. The same tree gives the same bytes.</summary>
    /// <param name="stream">Must be seekable: checksums are filled in after the values.</param>
    /// <param name="value">The tree.</param>
    /// <param name="wideFrom">Numbers from this value on take 64 bits. Tests lower it.</param>
    public static void Write(Stream stream, PickleValue value, long wideFrom = uint.MaxValue)
    {
        using var pickle = new MemoryStream();
        var storages = PickleWriter.WriteTorch(pickle, value, isLegacy: false);
        using var zip = new ZipWriter(stream, wideFrom);
        Add("data.pkl", pickle.ToArray());
        Add("byteorder", "little"u8);
        foreach (var storage in storages)
        {
            zip.Add(
                $"archive/data/{storage.Key}",
                storage.Tensor.numel() * TorchTypes.Size(storage.Tensor.dtype),
                write => TensorBytes.Write(storage.Tensor, write));
        }

        Add("version", "3\n"u8);
        zip.Finish();

        void Add(string name, ReadOnlySpan<byte> content)
        {
            var bytes = content.ToArray();
            zip.Add("archive/" + name, bytes.Length, write => write(bytes));
        }
    }

    private sealed class Storages(
        FileStream stream, string source, Dictionary<string, ZipEntry> entries, string root, TensorOwner owner
    ) : IStorages
    {
        private readonly Dictionary<string, TorchStorage> _found = new(StringComparer.Ordinal);
        private readonly Func<ScalarType, Tensor> _map = owner.KeepEach(type =>
            from_file(source, shared: false, size: stream.Length / TorchTypes.Size(type), dtype: type));

        public TorchStorage Find(string key, ScalarType? type, long count)
        {
            var size = count * (type is { } known ? TorchTypes.Size(known) : 1);
            if (!_found.TryGetValue(key, out var storage))
            {
                var entry =
                    entries.GetValueOrDefault($"{root}data/{key}")
                    ?? throw new PickleException($"storage {key} is not in the file");
                if (entry.Size != size)
                {
                    throw new PickleException(
                        $"storage {key} has {entry.Size} bytes, expected {count} elements of type {type} in {size}");
                }

                _found[key] = storage = new TorchStorage(
                    type, size, stream.Length,
                    wanted => Values(entry, wanted),
                    owner);
            }

            return storage.Is(type, size)
                ? storage
                : throw new PickleException($"storage {key} is named with different types or sizes");
        }

        // Memory-mapped if the entry is not compressed and is aligned for the type; otherwise read into memory.
        private Tensor Values(ZipEntry entry, ScalarType type)
        {
            var elementSize = TorchTypes.Size(type);
            if (!entry.IsDeflated && entry.Position % elementSize == 0 && entry.Size > 0)
            {
                return _map(type).narrow(0, entry.Position / elementSize, entry.Size / elementSize);
            }

            Tensor? values = null;
            ZipDirectory.Read(
                stream, entry, source,
                read => values = TensorBytes.Read(type, entry.Size / elementSize, read));
            return values!;
        }
    }
}
