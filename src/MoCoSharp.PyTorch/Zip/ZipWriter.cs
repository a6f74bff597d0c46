using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace MoCoSharp.PyTorch;

/// <summary>
/// Writes a zip file of uncompressed entries at multiples of 64 bytes, as PyTorch does, so that they can be
/// memory-mapped.
/// </summary>
/// <param name="stream">Must be seekable: the checksum of an entry is filled in after its bytes.</param>
/// <param name="wideFrom">Sizes, positions and counts from this value on take 64 bits.</param>
internal sealed class ZipWriter(Stream stream, long wideFrom) : IDisposable
{
    private const int Alignment = 64;
    private const ushort PlainVersion = 20, WideVersion = 45, Utf8Names = 1 << 11;
    private const ushort FirstDate = (0 << 9) | (1 << 5) | 1; // 1 January 1980 for every file: equal bytes

    private readonly MemoryStream _directory = new();
    private long _count;

    /// <summary>Adds an entry.</summary>
    /// <param name="name">Name of the entry.</param>
    /// <param name="size">Size in bytes.</param>
    /// <param name="content">Writes exactly that many bytes, in any number of pieces.</param>
    public void Add(string name, long size, Action<Action<ReadOnlySpan<byte>>> content)
    {
        var nameBytes = Encoding.UTF8.GetBytes(name);
        var position = stream.Position;
        var isWide = size >= wideFrom;
        var extra = Extra(isWide ? [size, size] : [], position + 30 + nameBytes.Length);
        Header(stream, 0x04034b50, isWide, size, crc: 0, nameBytes.Length, extra.Length);
        stream.Write(nameBytes);
        stream.Write(extra);

        var crc = new Crc32();
        var start = stream.Position;
        content(bytes =>
        {
            crc.Append(bytes);
            stream.Write(bytes);
        });
        if (stream.Position - start != size)
        {
            throw new InvalidOperationException($"{name} has {stream.Position - start} bytes, expected {size}.");
        }

        var end = stream.Position;
        stream.Position = position + 14;
        U32(stream, crc.GetCurrentHashAsUInt32());
        stream.Position = end;

        var isFar = position >= wideFrom;
        long[] wide = [.. isWide ? [size, size] : Array.Empty<long>(), .. isFar ? [position] : Array.Empty<long>()];
        var directoryExtra = Extra(wide, dataPosition: null);
        Header(
            _directory, 0x02014b50, isWide || isFar, isWide ? uint.MaxValue : size, crc.GetCurrentHashAsUInt32(),
            nameBytes.Length, directoryExtra.Length);
        _directory.Write(new byte[10]); // comment, disk, attributes
        U32(_directory, isFar ? uint.MaxValue : (uint)position);
        _directory.Write(nameBytes);
        _directory.Write(directoryExtra);
        _count++;
    }

    /// <summary>Writes the directory.</summary>
    public void Finish()
    {
        var position = stream.Position;
        _directory.WriteTo(stream);
        var isWide =
            position >= wideFrom || _directory.Length >= wideFrom || _count >= Math.Min(wideFrom, ushort.MaxValue);
        if (isWide)
        {
            var end = stream.Position;
            U32(stream, 0x06064b50);
            I64(stream, 44);
            U16(stream, WideVersion);
            U16(stream, WideVersion);
            I64(stream, 0); // disks
            I64(stream, _count);
            I64(stream, _count);
            I64(stream, _directory.Length);
            I64(stream, position);
            U32(stream, 0x07064b50);
            U32(stream, 0);
            I64(stream, end);
            U32(stream, 1); // disks
        }

        U32(stream, 0x06054b50);
        U32(stream, 0); // disks
        U16(stream, isWide ? ushort.MaxValue : (ushort)_count);
        U16(stream, isWide ? ushort.MaxValue : (ushort)_count);
        U32(stream, isWide ? uint.MaxValue : (uint)_directory.Length);
        U32(stream, isWide ? uint.MaxValue : (uint)position);
        U16(stream, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _directory.Dispose();

    // The part that local headers and directory entries share.
    private static void Header(
        Stream target, uint signature, bool isWide, long size, uint crc, int nameSize, int extraSize)
    {
        var version = isWide ? WideVersion : PlainVersion;
        U32(target, signature);
        if (signature == 0x02014b50)
        {
            U16(target, version); // made by
        }

        U16(target, version);
        U16(target, Utf8Names);
        U16(target, 0); // stored
        U16(target, 0); // time
        U16(target, FirstDate);
        U32(target, crc);
        U32(target, isWide && signature == 0x04034b50 ? uint.MaxValue : (uint)size);
        U32(target, isWide && signature == 0x04034b50 ? uint.MaxValue : (uint)size);
        U16(target, (ushort)nameSize);
        U16(target, (ushort)extraSize);
    }

    // 64-bit numbers; then, in a local header, padding with the extra-field mark FB, as PyTorch writes.
    private static byte[] Extra(long[] wide, long? dataPosition)
    {
        var extra = new MemoryStream();
        if (wide.Length > 0)
        {
            U16(extra, 1);
            U16(extra, (ushort)(8 * wide.Length));
            foreach (var number in wide)
            {
                I64(extra, number);
            }
        }

        if (dataPosition is { } position)
        {
            var padding = (int)(Alignment - ((position + extra.Length + 4) % Alignment)) % Alignment;
            extra.Write("FB"u8);
            U16(extra, (ushort)padding);
            extra.Write(new byte[padding]);
        }

        return extra.ToArray();
    }

    private static void U16(Stream target, ushort value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        target.Write(bytes);
    }

    private static void U32(Stream target, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        target.Write(bytes);
    }

    private static void I64(Stream target, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        target.Write(bytes);
    }
}
