using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace MoCoSharp.PyTorch;

/// <summary>An entry of a zip file.</summary>
/// <param name="Name">Name. It is never used as a path.</param>
/// <param name="Position">Position of the first byte in the file.</param>
/// <param name="StoredSize">Size in the file, in bytes.</param>
/// <param name="Size">Size of the content, in bytes.</param>
/// <param name="IsDeflated">Whether the entry is compressed.</param>
internal sealed record ZipEntry(string Name, long Position, long StoredSize, long Size, bool IsDeflated);

/// <summary>
/// Reads the directory of an untrusted zip file. It checks that entries are inside the file, do not overlap, and do not
/// claim more than deflate can compress. .NET's own reader does not give the positions that memory-mapping needs.
/// </summary>
/// <remarks>APPNOTE.TXT 6.3.9 of PKWARE, <see href="https://support.pkware.com/pkzip/appnote"/>.</remarks>
internal static class ZipDirectory
{
    private const int EndSize = 22, LocatorSize = 20, End64Size = 56, HeaderSize = 46, LocalHeaderSize = 30;
    private const long LargestRatio = 1032; // the largest compression ratio of deflate

    /// <summary>The entries by name.</summary>
    /// <param name="stream">The whole file.</param>
    /// <param name="source">Start of each message.</param>
    /// <exception cref="InvalidDataException">The file is broken, cut short, or malicious.</exception>
    public static Dictionary<string, ZipEntry> Read(Stream stream, string source)
    {
        var (position, size, count) = FindDirectory(stream, source);
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var spans = new List<(long Start, long End, string Name)>();
        var directory = At(stream, position, size, source);
        for (long i = 0, at = 0; i < count; i++)
        {
            if (at + HeaderSize > directory.Length || UInt32(directory, at) != 0x02014b50)
            {
                throw Fault(source, $"entry {i} of {count} is missing from the zip directory");
            }

            var entry = Entry(directory, ref at, out var headerPosition, source);
            entry = entry with { Position = DataPosition(stream, entry, headerPosition, position, source) };
            spans.Add((headerPosition, entry.Position + entry.StoredSize, entry.Name));
            if (!entries.TryAdd(entry.Name, entry))
            {
                throw Fault(source, $"{entry.Name} is in the zip directory twice");
            }
        }

        spans.Sort();
        for (var i = 1; i < spans.Count; i++)
        {
            if (spans[i].Start < spans[i - 1].End)
            {
                throw Fault(source, $"the zip entries {spans[i - 1].Name} and {spans[i].Name} overlap");
            }
        }

        return entries;
    }

    /// <summary>The content of an entry. The caller has checked its size.</summary>
    public static byte[] Content(Stream stream, ZipEntry entry, string source)
    {
        var content = new byte[entry.Size];
        Read(stream, entry, source, read => read(content));
        return content;
    }

    /// <summary>Reads the content of an entry, piece by piece.</summary>
    /// <param name="stream">The whole file.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="source">Start of each message.</param>
    /// <param name="pieces">Receives the reader, and calls it with each piece of memory, in order.</param>
    public static void Read(Stream stream, ZipEntry entry, string source, Action<Action<Span<byte>>> pieces)
    {
        if (!entry.IsDeflated)
        {
            stream.Position = entry.Position;
            pieces(stream.ReadExactly);
            return;
        }

        using var content = new DeflateStream(
            new MemoryStream(At(stream, entry.Position, entry.StoredSize, source)),
            CompressionMode.Decompress);
        try
        {
            pieces(content.ReadExactly);
            if (content.ReadByte() >= 0)
            {
                throw new EndOfStreamException();
            }
        }
        catch (Exception error) when (error is EndOfStreamException or InvalidDataException)
        {
            throw Fault(source, $"{entry.Name} does not unpack to the {entry.Size} bytes that it claims");
        }
    }

    private static (long Position, long Size, long Count) FindDirectory(Stream stream, string source)
    {
        var tailSize = (int)Math.Min(stream.Length, EndSize + ushort.MaxValue);
        var tailPosition = stream.Length - tailSize;
        var tail = At(stream, tailPosition, tailSize, source);
        var end = tailSize - EndSize;
        while (end >= 0 && !(UInt32(tail, end) == 0x06054b50 && end + EndSize + UInt16(tail, end + 20) == tailSize))
        {
            end--;
        }

        if (end < 0)
        {
            throw Fault(
                source,
                "it starts like a zip file, but the directory at its end is missing: it was cut short, at " +
                $"{stream.Length} bytes. Download it again");
        }

        long count = UInt16(tail, end + 10),
            size = UInt32(tail, end + 12),
            position = UInt32(tail, end + 16),
            limit = tailPosition + end;
        if (end >= LocatorSize && UInt32(tail, end - LocatorSize) == 0x07064b50)
        {
            var end64Position = Int64(tail, end - LocatorSize + 8);
            if (end64Position < 0 || end64Position > limit - LocatorSize - End64Size)
            {
                throw Fault(source, "the zip64 directory is outside the file");
            }

            var end64 = At(stream, end64Position, End64Size, source);
            if (UInt32(end64, 0) != 0x06064b50)
            {
                throw Fault(source, "the zip64 directory is not at its stated position");
            }

            (count, size, position, limit) = (Int64(end64, 32), Int64(end64, 40), Int64(end64, 48), end64Position);
        }

        // An entry takes at least 46 bytes of directory: the count must fit, and the directory must end before the end
        // record.
        if (
            position < 0
            || size < 0
            || count < 0
            || position > limit
            || size > limit - position
            || count > size / HeaderSize)
        {
            throw Fault(
                source,
                $"a zip directory of {count} entries and {size} bytes at byte {position} does not fit the file. Was " +
                "it cut short?");
        }

        return (position, size, count);
    }

    private static ZipEntry Entry(byte[] directory, ref long at, out long headerPosition, string source)
    {
        int flags = UInt16(directory, at + 8), method = UInt16(directory, at + 10);
        long storedSize = UInt32(directory, at + 20), size = UInt32(directory, at + 24);
        int nameSize = UInt16(directory, at + 28),
            extraSize = UInt16(directory, at + 30),
            commentSize = UInt16(directory, at + 32);
        headerPosition = UInt32(directory, at + 42);
        var extra = at + HeaderSize + nameSize;
        var next = extra + extraSize + commentSize;
        if (next > directory.Length)
        {
            throw Fault(source, "an entry of the zip directory exceeds its end");
        }

        var name = Encoding.UTF8.GetString(directory, (int)at + HeaderSize, nameSize);
        if (
            name.Length > 4096
            || name.StartsWith('/')
            || name.Contains('\\')
            || name.Any(char.IsControl)
            || name.Split('/').Contains(".."))
        {
            throw Fault(
                source,
                "the zip entry name " +
                $"\"{new string([.. name.Take(80).Select(letter => char.IsControl(letter) ? '?' : letter)])}\" is " +
                "not a name that PyTorch writes");
        }

        if ((flags & 1) != 0 || method is not (0 or 8))
        {
            throw Fault(source, $"{name} is encrypted or packed by method {method}, expected stored or deflated");
        }

        Wide(directory, extra, extraSize, ref size, ref storedSize, ref headerPosition);
        if (
            size < 0
            || storedSize < 0
            || headerPosition < 0
            || (method == 0 && size != storedSize)
            || (method == 8 && size / LargestRatio > storedSize))
        {
            throw Fault(source, $"{name} claims {size} bytes out of {storedSize} in the file");
        }

        at = next;
        return new ZipEntry(name, 0, storedSize, size, method == 8);
    }

    // The zip64 field holds only those of the three values that exceed 32 bits, in this order.
    private static void Wide(
        byte[] directory, long at, int extraSize, ref long size, ref long storedSize, ref long headerPosition)
    {
        for (var end = at + extraSize; at + 4 <= end; at += 4 + UInt16(directory, at + 2))
        {
            if (UInt16(directory, at) != 1)
            {
                continue;
            }

            var (value, last) = (at + 4, Math.Min(end, at + 4 + UInt16(directory, at + 2)));
            Take(ref size);
            Take(ref storedSize);
            Take(ref headerPosition);
            return;

            void Take(ref long number)
            {
                if (number == uint.MaxValue && value + 8 <= last)
                {
                    number = Int64(directory, value);
                    value += 8;
                }
            }
        }
    }

    private static long DataPosition(
        Stream stream, ZipEntry entry, long headerPosition, long directoryPosition, string source)
    {
        if (headerPosition > directoryPosition - LocalHeaderSize)
        {
            throw Fault(source, $"{entry.Name} is at byte {headerPosition}, after the zip directory");
        }

        var header = At(stream, headerPosition, LocalHeaderSize, source);
        var position = headerPosition + LocalHeaderSize + UInt16(header, 26) + UInt16(header, 28);
        if (
            UInt32(header, 0) != 0x04034b50
            || position > directoryPosition
            || entry.StoredSize > directoryPosition - position)
        {
            throw Fault(
                source,
                $"{entry.Name}, {entry.StoredSize} bytes at byte {position}, is not inside the file. Was it " +
                "cut short?");
        }

        return position;
    }

    private static byte[] At(Stream stream, long position, long size, string source)
    {
        if (size > Array.MaxLength)
        {
            throw Fault(source, $"{size} bytes in one piece are more than can be read");
        }

        var bytes = new byte[size];
        stream.Position = position;
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static InvalidDataException Fault(string source, string what) => new($"{source}: {what}.");

    private static ushort UInt16(byte[] bytes, long at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan((int)at));

    private static uint UInt32(byte[] bytes, long at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan((int)at));

    private static long Int64(byte[] bytes, long at) => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan((int)at));
}
