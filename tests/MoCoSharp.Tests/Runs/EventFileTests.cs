using System.Buffers.Binary;
using System.Text;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

/// <summary>TensorBoard's files, read back by hand.</summary>
public sealed class EventFileTests : IDisposable
{
    private static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250);

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void EveryTime_IsInSecondsSince1970_AlsoOfTheFirstRecordAndInTheName()
    {
        Write(file =>
        {
            file.Scalar("train/loss", 2.5f, 7);
            file.Text("health", "**a**", 0);
        });

        var path = Assert.Single(Directory.GetFiles(folder));
        Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(path));
        var records = Records(path);
        Assert.Equal(3, records.Count);
        Assert.All(
            records,
            record => Assert.Equal(1_700_000_000.25, BinaryPrimitives.ReadDoubleLittleEndian(record.AsSpan(1)))
        ); // after its tag
        Assert.All(records, record => Assert.Equal((1 << 3) | 1, record[0])); // field 1, fixed64
    }

    [Fact]
    public void Records_AreThoseOfEventProto()
    {
        Write(file => file.Scalar("a", 1f, 300));

        var records = Records(Assert.Single(Directory.GetFiles(folder)));
        byte[] time = [9, .. BitConverter.GetBytes(1_700_000_000.25)];
        Assert.Equal([.. time, 26, 13, .. "brain.Event:2"u8], records[0]); // field 3, of 13 bytes
        byte[] value = [10, 1, (byte)'a', 21, 0, 0, 128, 63];            // tag "a"; field 2, fixed32: 1.0
        // field 2: 300; field 5: a summary of one value
        Assert.Equal([.. time, 16, 0xAC, 2, 42, 10, 10, 8, .. value], records[1]);
    }

    [Fact]
    public void TextsAndPictures_AreOfTheirPlugins()
    {
        Write(file =>
        {
            file.Text("health", "**rank**", 0);
            file.Image("views", [1, 2, 3], 40, 30, 0);
        });

        var records = Records(Assert.Single(Directory.GetFiles(folder)));
        var text = Encoding.Latin1.GetString(records[1]);
        Assert.Contains("health/text_summary", text);
        Assert.Contains("\u000A\u0004text", text); // plugin_name
        // DT_STRING of shape [1]
        Assert.Contains("\u0008\u0007\u0012\u0004\u0012\u0002\u0008\u0001\u0042\u0008**rank**", text);
        // height, width, RGB, the file
        Assert.True(records[2].AsSpan().IndexOf((byte[])[8, 30, 16, 40, 24, 3, 34, 3, 1, 2, 3]) > 0);
    }

    [Fact]
    public void MaskedCrc_IsThatOfTheStandard()
    {
        // CRC-32C of 32 zeros is 8A9136AA: RFC 3720, B.4.
        const uint crc = 0x8A9136AA;
        Assert.Equal(unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8u), EventFile.MaskedCrc(new byte[32]));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Write(Action<EventFile> write)
    {
        using var file = new EventFile(folder, new Stopped());
        write(file);
    }

    /// <summary>The events of a file, whose framing and checksums must hold.</summary>
    private static List<byte[]> Records(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var records = new List<byte[]>();
        for (var at = 0; at < bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at));
            Assert.Equal(Masked(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8)));
            var record = bytes.AsSpan(at + 12, length).ToArray();
            Assert.Equal(Masked(record), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length)));
            records.Add(record);
            at += 16 + length;
        }

        return records;
    }

    // Bit by bit, by the reversed polynomial of Castagnoli.
    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 1 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        crc = ~crc;
        return unchecked(((crc >> 15) | (crc << 17)) + 0xA282EAD8u);
    }

    private sealed class Stopped : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Noon;
    }
}
