using MoCoSharp.Data.Images;
using TorchSharp;

namespace MoCoSharp.PyTorch;

/// <summary>How PyTorch's values lie in a file.</summary>
public enum TorchFormat
{
    /// <summary>As torch.save writes since PyTorch 1.6: a zip file.</summary>
    Zip,

    /// <summary>As torch.save wrote before, and the released MoCo checkpoints are.</summary>
    Legacy,

    /// <summary>A plain pickle whose tensors are arrays of NumPy, as detectron2's weights are.</summary>
    Pickle,
}

/// <summary>
/// A file of PyTorch's, read without Python and without trust: the pickle inside is data here, and nothing in it is
/// ever executed. Storages of the zip format are mapped from the disk, those of the old one read when a tensor of
/// theirs is asked for.
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

    /// <summary>What was saved.</summary>
    public PickleValue Root { get; }

    /// <summary>How it lies in the file.</summary>
    public TorchFormat Format { get; }

    /// <summary>
    /// Reads a file, whichever of the formats it has; its tensors come from the disk when they are asked for.
    /// </summary>
    /// <param name="path">
    /// The file, which stays open until this is disposed, and must not be changed in place meanwhile.
    /// </param>
    /// <exception cref="InvalidDataException">
    /// It is none of PyTorch's, broken, or asks for more than data; the message says what and where.
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
    /// Writes a file that torch.load (or, for a plain pickle, pickle.load) reads; the same tree gives the same bytes.
    /// </summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="root">
    /// What is saved. Tensors of any device and layout are stored contiguous; one that is there twice is stored once.
    /// </param>
    /// <param name="format">How it lies in the file.</param>
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
                $"{path}: is in the tar format of PyTorch 0.1, which is not read here. Load it in PyTorch and save " +
                "it again.");
        }

        if (start.Length > 8 && start[8] == '{')
        {
            throw new InvalidDataException($"{path}: is a safetensors file, not one of PyTorch's.");
        }

        // Protocol 2 and later begin with their number; older ones with a value, and are read far enough to say what
        // they ask for.
        return
            start is [0x80, <= 5, ..]
            || (
                start is [(byte)'c' or (byte)'(' or (byte)'}' or (byte)']', ..] && FileSignature.Describe(start) is null
            )
            ? TorchFormat.Pickle
            : throw new InvalidDataException($"{path}: is none of PyTorch's files: {Described(start)}");
    }

    private static string Described(ReadOnlySpan<byte> start) =>
        FileSignature.Describe(start[..Math.Min(start.Length, FileSignature.HeadBytes)]) is { } known ? $"it is {known}"
        : !IsText(start) ? $"it begins with {Convert.ToHexString(start[..Math.Min(8, start.Length)])}."
        : "it is a text that begins with " +
            $"\"{System.Text.Encoding.ASCII.GetString(start[..Math.Min(40, start.Length)]).ReplaceLineEndings(" ")}\". "
            + "Did the download give a message in place of the file?";

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

    // The members that such a file has; any other tar file is an archive.
    private static bool IsOldTar(ReadOnlySpan<byte> start)
    {
        for (var header = 0; header + 512 <= start.Length; header += 512) // one may stand before the first member's
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
