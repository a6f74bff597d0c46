using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A file in a tar archive.</summary>
/// <param name="Name">With its path.</param>
/// <param name="Offset">Of its first byte.</param>
/// <param name="Length">In bytes.</param>
internal readonly record struct TarMember(string Name, long Offset, long Length);

/// <summary>Lists the regular files of a tar archive by its headers; the files themselves are passed over.</summary>
/// <remarks>POSIX ustar and pax (path and size), and GNU's long names. Sparse files, links and all else are passed over.</remarks>
internal static class TarIndex
{
    private const int Block = 512;
    private const int LongestExtension = 1 << 20; // of a pax header or a long name

    /// <summary>The archive's files in their order.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="DataSourceException">It is no tar archive, or damaged.</exception>
    public static IEnumerable<TarMember> Read(IByteSource archive, string name)
    {
        var length = archive.Length;
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
                yield break; // two blocks of zeros end an archive; one is enough
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
                        throw Fault("a pax header is not made of records");
                    }

                    break;
                case 'g' or 'K' or 'V':
                    break; // about the whole archive, or a link's target: nothing for the next file
                default:
                    (longName, longSize) = (null, null); // a folder, a link, a device
                    break;
            }
        }

        DataSourceException Fault(string what) => new($"{name}: at byte {at}: {what}. Is it a whole tar archive, not compressed?");
    }

    // Checksum of a header: the sum of its bytes, with spaces in place of the checksum.
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

    // Octal digits, or in GNU's way, which only fields of 12 bytes have, the bytes of a number after a set bit; -1 where it is neither.
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

    private static string Text(ReadOnlySpan<byte> field) => Encoding.UTF8.GetString(field.IndexOf((byte)0) is var end and >= 0 ? field[..end] : field);

    // Records of "length key=value\n", the length with itself and the line's end.
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
            done += read > 0 ? read : throw new DataSourceException($"{name}: ends after {offset + done} bytes. It has become shorter while it was read.");
        }
    }
}
