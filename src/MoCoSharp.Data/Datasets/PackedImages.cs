using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A set that `moco pack` wrote: one memory-mapped file. Pixels are read without a copy.</summary>
/// <remarks>
/// Header and index are checked when the file is opened; an image is checked when it is first read. The file must not
/// be truncated while it is in use: reading a missing mapped page ends the process. `moco pack` writes to another name
/// and renames, so it never truncates a file in use. Windows does not let anyone delete or replace the file while it is
/// open: Dispose closes it. Raw images that were read before lose their pixels then; nobody may use them meanwhile.
/// </remarks>
public sealed class PackedImages : IImageDataset, IDisposable
{
    private readonly Mapping _mapping;
    private readonly byte[] _index;
    private readonly int _namesStart;
    private readonly int[] _isChecked; // one bit for each image

    private PackedImages(
        string path, Mapping mapping, PackFormat format, int shortSide, int count, byte[] index, string[] classNames,
        int namesStart, string note)
    {
        Description = path;
        _mapping = mapping;
        _index = index;
        _namesStart = namesStart;
        Format = format;
        ShortSide = shortSide;
        Count = count;
        ClassNames = classNames;
        Note = note;
        _isChecked = new int[(count + 31) / 32];
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>The storage format of the images.</summary>
    public PackFormat Format { get; }

    /// <summary>Images with a longer short side were resized to this, in pixels; 0 for none.</summary>
    public int ShortSide { get; }

    /// <summary>The source of the images, in one line.</summary>
    public string Note { get; }

    /// <summary>How the set was made, in one line for users and for a run's record.</summary>
    public string Making =>
        $"{(Format == PackFormat.Raw ? "raw pixels" : "JPEG")}, " +
        $"{(ShortSide == 0 ? "sizes as they were" : $"short side at most {ShortSide}")}, made of {Note}";

    /// <summary>Whether a file begins like a packed set.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            using var file = LocalBytes.Open(path);
            Span<byte> start = stackalloc byte[PackLayout.Magic.Length];
            return file.Read(start, 0) == start.Length && start.SequenceEqual(PackLayout.Magic);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Opens a packed set. No image is read yet.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataSourceException">The file is not a packed set, or is damaged.</exception>
    public static PackedImages Open(string path) => SourceFile.Guard(path, () =>
    {
        var handle = RegularFile.Open(path);
        var keeps = false;
        try
        {
            var length = RandomAccess.GetLength(handle);
            Span<byte> header = stackalloc byte[PackLayout.HeaderLength];
            if (RandomAccess.Read(handle, header, 0) < header.Length || !header.StartsWith(PackLayout.Magic))
            {
                throw Fault("does not begin like a packed set. Is it the right file?");
            }

            var (version, format) = (Word(header, 8), Word(header, 12));
            if (Word(header, 60) != Crc32.HashToUInt32(header[..60]))
            {
                throw Fault("the header is damaged (its checksum differs).");
            }

            if (version != PackLayout.Version || format > (uint)PackFormat.Jpeg)
            {
                throw Fault(
                    $"version {version}, format {format}: expected version {PackLayout.Version}, format 0 or 1. Was " +
                    "it written by a newer moco?");
            }

            var (count, shortSide) = (Word(header, 16), Word(header, 20));
            var (indexOffset, indexLength) = (
                BinaryPrimitives.ReadUInt64LittleEndian(header[24..]),
                BinaryPrimitives.ReadUInt64LittleEndian(header[32..]));
            if (
                indexOffset < PackLayout.HeaderLength
                || indexOffset > (ulong)length
                || indexLength != (ulong)length - indexOffset
                || indexLength > int.MaxValue
                || indexLength < PackLayout.IndexHead + ((ulong)count * PackLayout.RecordLength)
                || count == 0)
            {
                throw Fault(
                    $"{count} images and an index of {indexLength} bytes at {indexOffset} do not fit its {length} " +
                    "bytes. Is it cut short?");
            }

            var table = new byte[indexLength];
            for (var done = 0; done < table.Length;)
            {
                var read = RandomAccess.Read(handle, table.AsSpan(done), (long)indexOffset + done);
                done += read > 0 ? read : throw Fault("the index is cut short.");
            }

            if (Crc32.HashToUInt32(table) != Word(header, 40))
            {
                throw Fault("the index is damaged (its checksum differs).");
            }

            var (classNames, namesStart, note) = ReadNames(table, (int)count);
            CheckRecords(table, (int)count, (PackFormat)format, (long)indexOffset, classNames.Length);
            var set = new PackedImages(
                path, new Mapping(handle, length), (PackFormat)format, (int)Math.Min(shortSide, int.MaxValue),
                (int)count, table, classNames, namesStart, note);
            keeps = true;
            return set;
        }
        finally
        {
            if (!keeps)
            {
                handle.Dispose();
            }
        }

        (string[] ClassNames, int NamesStart, string Note) ReadNames(byte[] bytes, int images)
        {
            var (classes, namesLength, noteLength) = (Word(bytes, 0), Word(bytes, 4), Word(bytes, 8));
            var at = PackLayout.IndexHead + ((long)images * PackLayout.RecordLength);
            if (at + (2L * classes) + namesLength + noteLength > bytes.Length)
            {
                throw Fault($"{classes} classes and {namesLength} bytes of names do not fit the index.");
            }

            var names = new string[classes];
            for (var i = 0; i < names.Length; i++)
            {
                var length =
                    at + 2 <= bytes.Length
                        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan((int)at))
                        : int.MaxValue;
                if (at + 2 + length > bytes.Length)
                {
                    throw Fault($"class {i} has a name beyond the index.");
                }

                names[i] = Encoding.UTF8.GetString(bytes, (int)at + 2, length);
                at += 2 + length;
            }

            return at + namesLength + noteLength == bytes.Length
                ? (names, (int)at, Encoding.UTF8.GetString(bytes, (int)(at + namesLength), (int)noteLength))
                : throw Fault("the names do not fill the index.");
        }

        void CheckRecords(byte[] bytes, int images, PackFormat kept, long end, int classes)
        {
            var nameEnd = 0;
            var namesLength = Word(bytes, 4);
            for (var i = 0; i < images; i++)
            {
                var record = PackRecord.Read(bytes.AsSpan(PackLayout.IndexHead + (i * PackLayout.RecordLength)));
                var fits =
                    record.Offset >= PackLayout.HeaderLength
                    && record.Length > 0
                    && record.Offset <= end - record.Length;
                var isImage = kept == PackFormat.Jpeg
                    ? record.Length <= ImageDecoder.LargestFileBytes
                    : record is { Width: > 0, Height: > 0 }
                        && (long)record.Width * record.Height <= ImageDecoder.LargestImagePixels
                        && record.Length == 3L * record.Width * record.Height;
                var hasLabel = record.Label >= -1 && record.Label < Math.Max(classes, 0);
                if (!fits || !isImage || !hasLabel || record.NameEnd < nameEnd || record.NameEnd > namesLength)
                {
                    throw Fault(
                        $"image {i} is said to be {record.Width} x {record.Height}, {record.Length} bytes at " +
                        $"{record.Offset}, label {record.Label}: this does not fit the file.");
                }

                nameEnd = record.NameEnd;
            }
        }

        DataSourceException Fault(string what) => new($"{path}: {what} `moco pack` writes it again.");
    });

    /// <inheritdoc/>
    public LabeledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabeledImage Read(int index, in DecodeRequest request)
    {
        var isHeld = false;
        _mapping.Memory.DangerousAddRef(ref isHeld); // against a Dispose meanwhile; refused after one
        try
        {
            return ReadMapped(index, request);
        }
        finally
        {
            _mapping.Memory.DangerousRelease();
        }
    }

    private unsafe LabeledImage ReadMapped(int index, in DecodeRequest request)
    {
        var record = RecordOf(index);
        _mapping.ThrowIfShorter(record.Offset + record.Length, Description);
        var address = _mapping.Address + (nint)record.Offset;
        var bytes = new ReadOnlySpan<byte>((void*)address, record.Length);
        var (word, bit) = (index / 32, 1 << (index % 32));
        if ((Volatile.Read(ref _isChecked[word]) & bit) == 0)
        {
            if (Crc32.HashToUInt32(bytes) != record.Checksum)
            {
                throw new BrokenImageException($"{Description}: {NameOf(index)} is damaged (its checksum differs).");
            }

            Interlocked.Or(ref _isChecked[word], bit);
        }

        var image = Format == PackFormat.Raw
            ? new ImageBuffer(record.Width, record.Height, address, _mapping.Memory)
            : ImageDecoder.Decode(bytes, NameOf(index), request);
        return new LabeledImage(image, record.Label);
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _mapping.Dispose();

    /// <inheritdoc/>
    public int LabelOf(int index) => RecordOf(index).Label;

    /// <inheritdoc/>
    public string NameOf(int index)
    {
        var start = index == 0 ? 0 : RecordOf(index - 1).NameEnd;
        return
            Encoding.UTF8.GetString(_index, _namesStart + start, RecordOf(index).NameEnd - start)
                is { Length: > 0 } name
            ? name
            : $"image {index}";
    }

    private PackRecord RecordOf(int number)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Count);
        return PackRecord.Read(_index.AsSpan(PackLayout.IndexHead + (number * PackLayout.RecordLength)));
    }

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    /// <summary>The mapped file, open until this object is disposed or nobody refers to it.</summary>
    private sealed class Mapping : IDisposable
    {
        private readonly SafeFileHandle _file;
        private readonly MemoryMappedFile _map;
        private readonly MemoryMappedViewAccessor _view;

        public Mapping(SafeFileHandle file, long length)
        {
            _file = file;
            _map = MemoryMappedFile.CreateFromFile(
                file, mapName: null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            Address = _view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)_view.PointerOffset;
        }

        public nint Address { get; }

        public SafeHandle Memory => _view.SafeMemoryMappedViewHandle;

        public void Dispose()
        {
            _view.Dispose();
            _map.Dispose();
            _file.Dispose();
        }

        public void ThrowIfShorter(long end, string name)
        {
            try
            {
                if (RandomAccess.GetLength(_file) < end)
                {
                    throw new BrokenImageException($"{name}: the file has become shorter since it was opened.")
                    {
                        MayPass = true,
                    };
                }
            }
            catch (IOException error)
            {
                throw new BrokenImageException($"{name}: {error.Message}", error) { MayPass = true };
            }
        }
    }
}
