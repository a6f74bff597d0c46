using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.PyTorch;

/// <summary>
/// The checksum in the metadata of a safetensors file: SHA-256 over the whole file, with the 64 digits of the checksum
/// taken as zeros. Every reader of the format can read such a file.
/// </summary>
internal static class Checksum
{
    /// <summary>The key in the metadata.</summary>
    public const string Key = "mocosharp.sha256";

    /// <summary>The placeholder for the checksum while it is computed.</summary>
    internal static string Blank { get; } = new('0', 2 * SHA256.HashSizeInBytes);

    // Inside a text value the quotes would be escaped, so the mark occurs only as a key.
    private static byte[] Mark { get; } = Encoding.UTF8.GetBytes($"\"{Key}\":\"");

    /// <summary>Checks that a file is unchanged since it was written.</summary>
    /// <param name="stream">The file; read from its beginning to its end.</param>
    /// <param name="path">Path of the file, for the message.</param>
    /// <returns>False if the file has no checksum.</returns>
    /// <exception cref="InvalidDataException">The checksum does not match.</exception>
    public static bool Verify(Stream stream, string path)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Position = 0;
        Span<byte> length = stackalloc byte[8];
        if (stream.ReadAtLeast(length, 8, throwOnEndOfStream: false) < 8
            || BinaryPrimitives.ReadInt64LittleEndian(length) is var size
                && (size < 0 || size > stream.Length - 8 || size > SafeTensors.LongestHeader))
        {
            return false; // no header
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
                $"{path}: its checksum does not match its content: it was cut short, or bytes have changed since it " +
                "was written.");
    }

    /// <summary>Offset of the digits in a header; -1 if there is no checksum.</summary>
    internal static int Place(ReadOnlySpan<byte> header)
    {
        var mark = header.IndexOf(Mark);
        return mark >= 0 && mark + Mark.Length + Blank.Length <= header.Length ? mark + Mark.Length : -1;
    }

    /// <summary>The digits of a hash.</summary>
    internal static string Digits(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetHashAndReset());
}
