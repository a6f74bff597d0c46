using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using Google.Protobuf;

namespace MoCoSharp.Runs;

/// <summary>A TensorBoard event file: TFRecord records, each an Event of TensorFlow's event.proto.</summary>
/// <remarks>
/// All times, including the time in the file name, are seconds since 1970. TorchSharp's writer uses .NET ticks in its
/// first record. Framing: <see href="https://www.tensorflow.org/tutorials/load_data/tfrecord"/>.
/// </remarks>
internal sealed class EventFile : IDisposable
{
    private const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5; // fields of Event
    private const int Value = 1, Tag = 1, SimpleValue = 2, TensorValue = 8, Metadata = 9; // of Summary and its Value
    private static int _made; // distinguishes files of the same second and process

    private readonly TimeProvider _time;
    private readonly FileStream _stream;

    /// <summary>Creates a file in a folder; creates the folder if needed.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public EventFile(string folder, TimeProvider time)
    {
        _time = time;
        Directory.CreateDirectory(folder);
        var seconds = time.GetUtcNow().ToUnixTimeSeconds();
        var number = Interlocked.Increment(ref _made) - 1;
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"events.out.tfevents.{seconds:D10}.{Environment.MachineName}.{Environment.ProcessId}.{number}");
        _stream = new FileStream(
            Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete,
            bufferSize: 0);
        Write(NewEvent(0).Add(FileVersion, "brain.Event:2"));
    }

    /// <summary>Adds a number.</summary>
    public void Scalar(string tag, float value, long step) =>
        Write(
            NewEvent(step)
                .Add(Summary, new ProtoMessage().Add(Value, new ProtoMessage().Add(Tag, tag).Add(SimpleValue, value))));

    /// <summary>Adds a text in Markdown.</summary>
    public void Text(string tag, string text, long step)
    {
        const int pluginData = 1, pluginName = 1; // SummaryMetadata
        const int dtype = 1, shape = 2, dimension = 2, size = 1, strings = 8; // TensorProto
        const long stringType = 7; // DT_STRING
        var metadata = new ProtoMessage().Add(pluginData, new ProtoMessage().Add(pluginName, "text"));
        var tensor = new ProtoMessage()
            .Add(dtype, stringType)
            .Add(shape, new ProtoMessage().Add(dimension, new ProtoMessage().Add(size, 1L)))
            .Add(strings, text);
        Write(NewEvent(step).Add(Summary, new ProtoMessage().Add(
            Value,
            new ProtoMessage()
                .Add(Tag, $"{tag}/text_summary")
                .Add(TensorValue, tensor)
                .Add(Metadata, metadata))));
    }

    /// <summary>Adds an image.</summary>
    /// <param name="tag">Its name.</param>
    /// <param name="png">An RGB image as a PNG file.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="step">Steps done.</param>
    public void Image(string tag, byte[] png, int width, int height, long step)
    {
        const int imageValue = 4; // of Value
        const int rows = 1, columns = 2, colors = 3, encoded = 4; // of its image
        const long rgb = 3;
        var image = new ProtoMessage().Add(rows, (long)height).Add(columns, (long)width).Add(colors, rgb)
            .Add(encoded, png.Length, () => ByteString.CopyFrom(png));
        Write(
            NewEvent(step)
                .Add(Summary, new ProtoMessage().Add(Value, new ProtoMessage().Add(Tag, tag).Add(imageValue, image))));
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private ProtoMessage NewEvent(long step)
    {
        var seconds = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        var message = new ProtoMessage().Add(WallTime, seconds);
        return step == 0 ? message : message.Add(Step, step);
    }

    // Writes length, checksum, event and checksum in one call, so that a concurrent reader sees whole records.
    private void Write(ProtoMessage message)
    {
        var record = new byte[checked(12 + (int)message.Size + 4)];
        BinaryPrimitives.WriteInt64LittleEndian(record, message.Size);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        var content = record.AsSpan(12, (int)message.Size);
        using (var memory = new MemoryStream(record, 12, content.Length))
        using (var output = new CodedOutputStream(memory))
        {
            message.Write(output);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + content.Length), MaskedCrc(content));
        _stream.Write(record);
    }

    // CRC-32C, rotated by 15 bits plus a constant, as TFRecord requires.
    internal static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xA282EAD8;
    }
}
