using System.Buffers.Binary;
using System.IO.Hashing;

namespace MoCoSharp.Data.Datasets;

/// <summary>The storage format of the images in a packed set.</summary>
public enum PackFormat
{
    /// <summary>RGB pixels, read without decoding.</summary>
    Raw,

    /// <summary>JPEG files.</summary>
    Jpeg,
}

/// <summary>
/// The layout of a packed set: a 64-byte header, the images one after another, the index. All numbers are little
/// endian.
/// </summary>
/// <remarks>
/// Header: "MOCOPACK", version (u32), format (u32), images (u32), short side (u32; 0 keeps sizes), offset and length
/// of the index (u64 each), CRC-32 of the index, zeros, and at byte 60 the CRC-32 of the first 60 bytes. Index: class
/// count, length of the names and length of the note (u32 each), a u32 of zeros; for each image: offset (u64), length
/// (u32), width and height (u16 each), label (i32, -1 for none), CRC-32 of its bytes, end of its name in the names
/// (u32), a u32 of zeros; for each class: a u16 length and its name; the names; the note. Texts are UTF-8.
/// </remarks>
internal static class PackLayout
{
    public const int HeaderLength = 64;
    public const int IndexHead = 16;
    public const int RecordLength = 32;
    public const uint Version = 1;
    public const int Alignment = 64;

    public static ReadOnlySpan<byte> Magic => "MOCOPACK"u8;

    /// <summary>The header with both checksums.</summary>
    public static byte[] Header(PackFormat format, int count, int shortSide, long indexOffset, ReadOnlySpan<byte> index)
    {
        var header = new byte[HeaderLength];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), (uint)format);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), (uint)count);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(20), (uint)shortSide);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), (ulong)indexOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), (ulong)index.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(40), Crc32.HashToUInt32(index));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), Crc32.HashToUInt32(header.AsSpan(0, 60)));
        return header;
    }
}

/// <summary>The place of an image in a packed set.</summary>
internal readonly record struct PackRecord(
    long Offset, int Length, int Width, int Height, int Label, uint Checksum, int NameEnd)
{
    public static PackRecord Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadInt64LittleEndian(bytes),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[12..]),
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]),
        BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]));

    public void Write(Span<byte> bytes)
    {
        bytes[..PackLayout.RecordLength].Clear();
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Offset);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[12..], (ushort)Width);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[14..], (ushort)Height);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], Label);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], Checksum);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[24..], NameEnd);
    }
}
