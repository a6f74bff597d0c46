using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.PyTorch;

/// <summary>
/// The checksum inside a safetensors file: SHA-256 over every byte of the file, header and values, with the checksum's
/// own 64 digits taken as zeros. It stands in the metadata, so the file is one that every reader of the format reads.
/// </summary>
public static class Checksum
{
    /// <summary>The key in the metadata.</summary>
    public const string Key = "mocosharp.sha256";

    /// <summary>What stands in the checksum's place while it is computed.</summary>
    internal static string Blank { get; } = new('0', 2 * SHA256.HashSizeInBytes);

    // inside a text of the header the quotes would be escaped
    private static byte[] Mark { get; } = Encoding.UTF8.GetBytes($"\"{Key}\":\"");

    /// <summary>Whether a file is, to the bit, what was written.</summary>
    /// <param name="stream">The file; read from its beginning to its end.</param>
    /// <param name="path">For the message.</param>
    /// <returns>False where the file has no checksum.</returns>
    /// <exception cref="InvalidDataException">The checksum is another.</exception>
    public static bool Verify(Stream stream, string path)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Position = 0;
        Span<byte> length = stackalloc byte[8];
        if (stream.ReadAtLeast(length, 8, throwOnEndOfStream: false) < 8
            || BinaryPrimitives.ReadInt64LittleEndian(length) is var size
                && (size < 0 || size > stream.Length - 8 || size > SafeTensors.LongestHeader))
        {
            return false; // no header to look into
        }

        var header = new byte[size];
        stream.ReadExactly(header);
        var place = Place(header);
        if (place < 0)
        {
            return false;
        }

        var found = Encoding.UTF8.GetString(header, place, Blank.Length);
        Encoding.UTF8.GetBytes(Blank, header.AsSpan(place));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(length);
        hash.AppendData(header);
        var buffer = new byte[Math.Min(1 << 20, stream.Length - stream.Position)];
        while (stream.Read(buffer) is var count and > 0)
        {
            hash.AppendData(buffer, 0, count);
        }

        return Digits(hash) == found
            ? true
            : throw new InvalidDataException(
                $"{path}: its checksum is not that of its content: it was cut short, or bytes have changed since it " +
                "was written.");
    }

    /// <summary>Where the digits stand in a header; -1 where there is no checksum.</summary>
    internal static int Place(ReadOnlySpan<byte> header)
    {
        var mark = header.IndexOf(Mark);
        return mark >= 0 && mark + Mark.Length + Blank.Length <= header.Length ? mark + Mark.Length : -1;
    }

    /// <summary>The digits of what was hashed.</summary>
    internal static string Digits(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
