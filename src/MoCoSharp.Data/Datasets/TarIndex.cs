using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>The kind of a member of a tar archive. <c>Other</c> is a sparse file, a device or a pipe.</summary>
internal enum TarKind
{
    File,
    Folder,
    Link,
    Other,
}

/// <summary>A member of a tar archive.</summary>
/// <param name="Name">Name with its path.</param>
/// <param name="Offset">Offset of the first byte.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Kind">Only bytes of files can be read.</param>
internal readonly record struct TarMember(string Name, long Offset, long Length, TarKind Kind = TarKind.File);

/// <summary>Lists the members of a tar archive by their headers, without reading the files.</summary>
/// <remarks>Supports POSIX ustar, pax (path and size) and GNU's long names.</remarks>
internal static class TarIndex
{
    private const int Block = 512;
    private const int LongestExtension = 1 << 20; // of a pax header or a long name
    private const int LongestPadding = 1 << 20; // zeros after the end, searched for another archive
    private const string NoEnd = "shards without an end marker (cut short, or never closed?)";
    private const string Second =
        "shards with another archive after their end, which is not read (`tar --concatenate` joins archives; `cat` " +
        "does not)";

    /// <summary>The members in the order of the archive.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="name">Name of the archive in messages.</param>
    /// <param name="remarks">Counts unusual properties of the whole archive.</param>
    /// <exception cref="DataSourceException">The file is not a tar archive, or is damaged.</exception>
    public static IEnumerable<TarMember> Read(IByteSource archive, string name, Tally remarks)
    {
        var length = archive.Length;
        ThrowIfNoTar(archive, name);
        var header = new byte[Block];
        string? longName = null;
        long? longSize = null;
        long at = 0;
        for (; at < length;)
        {
            if (length - at < Block)
            {
                throw Fault("ends in the middle of a header");
            }

            ReadExactly(archive, header, at, name);
            if (!header.AsSpan().ContainsAnyExcept((byte)0))
            {
                // Two blocks of zeros end an archive. One is accepted.
                if (HasAnother(archive, at + Block, header, name))
                {
                    remarks.Add(Second, name);
                }

                yield break;
            }

            if (!HasChecksum(header))
            {
                throw Fault("a header's checksum differs");
            }

            var start = at + Block;
            var kind = (char)header[156];
            var size = Number(header.AsSpan(124, 12));
            if (kind is '0' or '\0' or '7')
            {
                size = longSize ?? size;
            }

            if (size < 0 || size > length - start)
            {
                throw Fault($"a file of {size} bytes does not fit the {length - start} that are left");
            }

            at = start + ((size + Block - 1) / Block * Block);
            switch (kind)
            {
                case '0' or '\0' or '7':
                    yield return new TarMember(longName ?? Name(header), start, size);
                    (longName, longSize) = (null, null);
                    break;
                case 'x' or 'L':
                    if (size > LongestExtension)
                    {
                        throw Fault($"a name or extension of {size} bytes, expected at most {LongestExtension}");
                    }

                    var extension = new byte[size];
                    ReadExactly(archive, extension, start, name);
                    if (kind == 'L')
                    {
                        longName = Text(extension);
                    }
                    else if (!ReadPax(extension, ref longName, ref longSize))
                    {
                        throw Fault("a pax header does not consist of records");
                    }

                    break;
                case 'g' or 'K' or 'V':
                    break; // global headers and link targets do not affect the next file
                default:
                    yield return new TarMember(longName ?? Name(header), start, size, kind switch
                    {
                        '1' or '2' => TarKind.Link,
                        '5' => TarKind.Folder,
                        _ => TarKind.Other,
                    });
                    (longName, longSize) = (null, null);
                    break;
            }
        }

        remarks.Add(NoEnd, name);

        DataSourceException Fault(string what) =>
            new($"{name}: at byte {at}: {what}. Is it a whole tar archive, not compressed?");
    }

    // A file of another kind is named by its first bytes.
    private static void ThrowIfNoTar(IByteSource archive, string name)
    {
        var head = new byte[(int)Math.Min(archive.Length, FileSignature.HeadBytes)];
        ReadExactly(archive, head, 0, name);
        var header = head.AsSpan(0, Math.Min(head.Length, Block));
        if (header.Length == Block
            && (HasChecksum(header) || header[257..].StartsWith("ustar"u8) || !header.ContainsAnyExcept((byte)0)))
        {
            return;
        }

        if (FileSignature.Describe(head) is { } known)
        {
            throw new DataSourceException(
                $"{name}: expected a tar archive, not compressed; it is {known}{Unpacking(head)}");
        }
    }

    // A shard is the tar archive inside: files packed twice are not supported.
    private static string Unpacking(ReadOnlySpan<byte> head) => head switch
    {
        [0x1F, 0x8B, ..] => " `gunzip` leaves the .tar. Give that file.",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => " `bunzip2` leaves the .tar. Give that file.",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => " `unxz` leaves the .tar. Give that file.",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => " `unzstd` leaves the .tar. Give that file.",
        _ => "",
    };

    // Searches the zeros that fill the last record.
    private static bool HasAnother(IByteSource archive, long at, byte[] header, string name)
    {
        for (var end = Math.Min(archive.Length - Block, at + LongestPadding); at <= end; at += Block)
        {
            ReadExactly(archive, header, at, name);
            if (header.AsSpan().ContainsAnyExcept((byte)0))
            {
                return HasChecksum(header);
            }
        }

        return false;
    }

    // The checksum of a header is the sum of its bytes, with the checksum field taken as spaces.
    internal static bool HasChecksum(ReadOnlySpan<byte> header)
    {
        var sum = 8 * ' ';
        foreach (var value in header[..148])
        {
            sum += value;
        }

        foreach (var value in header[156..])
        {
            sum += value;
        }

        return Number(header.Slice(148, 8)) == sum;
    }

    // Octal digits; or, in GNU's 12-byte fields, a set bit and then the bytes of the number. -1 for anything else.
    private static long Number(ReadOnlySpan<byte> field)
    {
        if (field is [0x80, _, _, _, _, _, _, _, _, _, _, _])
        {
            return field[1..^8].ContainsAnyExcept((byte)0) ? -1 : BinaryPrimitives.ReadInt64BigEndian(field[^8..]);
        }

        var digits = field.Trim(" \0"u8);
        long value = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
            {
                return -1;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    private static string Name(ReadOnlySpan<byte> header)
    {
        var name = Text(header[..100]);
        var prefix = header.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(header.Slice(345, 155)) : "";
        return prefix.Length > 0 ? $"{prefix}/{name}" : name;
    }

    // Names that are not UTF-8 are decoded byte by byte, so that different names stay different.
    private static string Text(ReadOnlySpan<byte> field)
    {
        var text = field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field;
        return System.Text.Unicode.Utf8.IsValid(text) ? Encoding.UTF8.GetString(text) : Encoding.Latin1.GetString(text);
    }

    // Records "length key=value\n". The length includes its own digits and the newline.
    private static bool ReadPax(ReadOnlySpan<byte> records, ref string? path, ref long? size)
    {
        while (records.Length > 0)
        {
            var space = records.IndexOf((byte)' ');
            if (space is < 1 or > 8
                || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= space + 1 || length > records.Length || records[length - 1] != '\n')
            {
                return false;
            }

            var record = records[(space + 1)..(length - 1)];
            if (record.StartsWith("path="u8))
            {
                path = Text(record[5..]);
            }
            else if (record.StartsWith("size="u8))
            {
                if (!long.TryParse(record[5..], NumberStyles.None, CultureInfo.InvariantCulture, out var given))
                {
                    return false;
                }

                size = given;
            }

            records = records[length..];
        }

        return true;
    }

    private static void ReadExactly(IByteSource archive, Span<byte> into, long offset, string name)
    {
        for (var done = 0; done < into.Length;)
        {
            var read = archive.Read(into[done..], offset + done);
            done +=
                read > 0
                    ? read
                    : throw new DataSourceException(
                        $"{name}: ends after {offset + done} bytes. It was truncated while it was read.");
        }
    }
}
