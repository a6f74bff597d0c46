using MoCoSharp.Data.Images;
using TorchSharp;

namespace MoCoSharp.PyTorch;

/// <summary>The format of a PyTorch file.</summary>
public enum TorchFormat
{
    /// <summary>The zip file that torch.save writes since PyTorch 1.6.</summary>
    Zip,

    /// <summary>The format of torch.save before 1.6, and of the released MoCo checkpoints.</summary>
    Legacy,

    /// <summary>A plain pickle whose tensors are NumPy arrays, as in detectron2's weights.</summary>
    Pickle,
}

/// <summary>
/// A PyTorch file, read without Python. It need not be trusted: the pickle inside is read as data, and nothing is
/// executed. Storages of the zip format are memory-mapped; those of the legacy format are read at first use.
/// </summary>
public sealed class TorchFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly TensorOwner _owner;

    private TorchFile(FileStream stream, TensorOwner owner, PickleValue root, TorchFormat format)
    {
        _stream = stream;
        _owner = owner;
        Root = root;
        Format = format;
    }

    /// <summary>The saved value.</summary>
    public PickleValue Root { get; }

    /// <summary>The format of the file.</summary>
    public TorchFormat Format { get; }

    /// <summary>
    /// Reads a file of any of the formats. The values of tensors are read at first use.
    /// </summary>
    /// <param name="path">
    /// The file. It stays open until this object is disposed, and must not be changed in place meanwhile.
    /// </param>
    /// <exception cref="InvalidDataException">
    /// It is not a PyTorch file, is broken, or holds more than data. The message says what and where.
    /// </exception>
    public static TorchFile Read(string path)
    {
        var stream = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 1 << 16);
        var owner = new TensorOwner();
        try
        {
            var format = FormatOf(stream, path);
            stream.Position = 0;
            var root = format switch
            {
                TorchFormat.Zip => TorchZip.Read(stream, path, owner),
                TorchFormat.Legacy => TorchLegacy.Read(stream, path, owner),
                _ => new PickleReader(stream, path, owner, storages: null).Read(),
            };
            return new TorchFile(stream, owner, root, format);
        }
        catch
        {
            owner.Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Writes a file for torch.load (or pickle.load, for a plain pickle). The same tree gives the same bytes.
    /// </summary>
    /// <param name="path">The target. Its folder must exist.</param>
    /// <param name="root">
    /// The value to save. Tensors of any device and layout are stored contiguous. A tensor that occurs twice is stored
    /// once.
    /// </param>
    /// <param name="format">The format of the file.</param>
    public static void Write(string path, PickleValue root, TorchFormat format = TorchFormat.Zip)
    {
        ArgumentNullException.ThrowIfNull(root);
        AtomicFile.Write(path, stream =>
        {
            switch (format)
            {
                case TorchFormat.Zip:
                    TorchZip.Write(stream, root);
                    break;
                case TorchFormat.Legacy:
                    TorchLegacy.Write(stream, root);
                    break;
                default:
                    PickleWriter.WriteNumpy(stream, root);
                    break;
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _owner.Dispose();
        _stream.Dispose();
    }

    private static TorchFormat FormatOf(FileStream stream, string path)
    {
        Span<byte> start = stackalloc byte[2048];
        start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        if (start.StartsWith("PK\x03\x04"u8))
        {
            return TorchFormat.Zip;
        }

        if (start.StartsWith(TorchLegacy.Start))
        {
            return TorchFormat.Legacy;
        }

        if (start.Length > 262 && start[257..].StartsWith("ustar"u8) && IsOldTar(start))
        {
            throw new InvalidDataException(
                $"{path}: is in the tar format of PyTorch 0.1, which is not supported. Load it in PyTorch and save " +
                "it again.");
        }

        if (start.Length > 8 && start[8] == '{')
        {
            throw new InvalidDataException($"{path}: is a safetensors file, not a PyTorch file.");
        }

        // Protocol 2 and later begin with their number. Older protocols begin with a value; they are read to report the
        // name that they refer to.
        return
            start is [0x80, <= 5, ..]
            || (
                start is [(byte)'c' or (byte)'(' or (byte)'}' or (byte)']', ..] && FileSignature.Describe(start) is null
            )
            ? TorchFormat.Pickle
            : throw new InvalidDataException($"{path}: is not a PyTorch file: {Described(start)}");
    }

    private static string Described(ReadOnlySpan<byte> start) =>
        FileSignature.Describe(start[..Math.Min(start.Length, FileSignature.HeadBytes)]) is { } known ? $"it is {known}"
        : !IsText(start) ? $"it begins with {Convert.ToHexString(start[..Math.Min(8, start.Length)])}."
        : "it is a text that begins with " +
            $"\"{System.Text.Encoding.ASCII.GetString(start[..Math.Min(40, start.Length)]).ReplaceLineEndings(" ")}\". "
            + "Did the download return a message instead of the file?";

    private static bool IsText(ReadOnlySpan<byte> start)
    {
        foreach (var letter in start)
        {
            if (letter is not ((>= (byte)' ' and <= (byte)'~') or (byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                return false;
            }
        }

        return true;
    }

    // The members of such a file. Any other tar file is an archive.
    private static bool IsOldTar(ReadOnlySpan<byte> start)
    {
        for (var header = 0; header + 512 <= start.Length; header += 512) // another header may come first
        {
            var name = start.Slice(header, 100);
            if (
                name.StartsWith("sys_info\0"u8)
                || name.StartsWith("pickle\0"u8)
                || name.StartsWith("tensors\0"u8)
                || name.StartsWith("storages\0"u8))
            {
                return true;
            }
        }

        return false;
    }
}
