using System.Buffers.Binary;
using System.Text;

namespace MoCoSharp.Encoders;

/// <summary>A field of a protobuf message: a number, or the position of its bytes.</summary>
/// <param name="Number">The number of the field in its message.</param>
/// <param name="IsBytes">Whether it has a length: a text, a message, or packed numbers.</param>
/// <param name="Value">The number; 0 for other fields.</param>
/// <param name="Begin">Position of the first byte.</param>
/// <param name="End">Position after the last byte.</param>
internal readonly record struct OnnxField(int Number, bool IsBytes, long Value, long Begin, long End);

/// <summary>Reads protobuf messages of an untrusted file. Bytes are read only on request.</summary>
/// <param name="stream">The file; seekable.</param>
/// <param name="path">Prefix of each message.</param>
/// <remarks>The wire format: <see href="https://protobuf.dev/programming-guides/encoding/"/>.</remarks>
internal sealed class OnnxFields(Stream stream, string path)
{
    private const int LengthDelimited = 2;
    private const int MostFields = 5_000_000;
    private const int LongestText = 1 << 16; // bytes; longer texts are cut

    private int _fields;

    /// <summary>The fields of a message, in order.</summary>
    public IEnumerable<OnnxField> Of(OnnxField message) => Between(message.Begin, message.End);

    /// <summary>The fields between two positions.</summary>
    /// <exception cref="InvalidDataException">The file is broken, or has more fields than any model.</exception>
    public IEnumerable<OnnxField> Between(long begin, long end)
    {
        for (var position = begin; position < end;)
        {
            if (++_fields > MostFields)
            {
                throw Fault("has more fields than any model");
            }

            stream.Position = position;
            var tag = Varint(end);
            var number = tag >>> 3;
            if (number is < 1 or > int.MaxValue)
            {
                throw Fault($"has no field where one should begin, at byte {position}");
            }

            var (value, start, stop) = ((int)(tag & 7)) switch
            {
                0 => (Varint(end), stream.Position, stream.Position),
                1 => (0L, stream.Position, stream.Position + 8),
                LengthDelimited => Length(end),
                5 => (0L, stream.Position, stream.Position + 4),
                _ => throw Fault($"has a field of an unknown kind at byte {position}"),
            };
            if (stop > end || stop < start)
            {
                throw Fault($"has a field that ends after its message, at byte {position}: was it cut short?");
            }

            yield return new OnnxField((int)number, (tag & 7) == LengthDelimited, value, start, stop);
            position = stop;
        }
    }

    /// <summary>A text; control characters become spaces. Empty for a number.</summary>
    public string Text(OnnxField field)
    {
        if (!field.IsBytes)
        {
            return "";
        }

        stream.Position = field.Begin;
        var bytes = new byte[Math.Min(field.End - field.Begin, LongestText)];
        stream.ReadExactly(bytes);
        return new([.. Encoding.UTF8.GetString(bytes).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
    }

    /// <summary>The first text with a number in a message; empty if there is none.</summary>
    public string First(OnnxField message, int number)
    {
        foreach (var field in Of(message))
        {
            if (field.Number == number)
            {
                return Text(field);
            }
        }

        return "";
    }

    /// <summary>A 32-bit float; 0 for a field of another kind.</summary>
    public float Single(OnnxField field)
    {
        if (field.IsBytes || field.End - field.Begin != sizeof(float))
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[sizeof(float)];
        stream.Position = field.Begin;
        stream.ReadExactly(bytes);
        return BinaryPrimitives.ReadSingleLittleEndian(bytes);
    }

    /// <summary>The numbers of a repeated field: one, or several packed ones.</summary>
    /// <param name="field">The field.</param>
    /// <param name="most">Numbers after this many are left out.</param>
    public IReadOnlyList<long> Numbers(OnnxField field, int most)
    {
        if (!field.IsBytes)
        {
            return most > 0 ? [field.Value] : [];
        }

        var numbers = new List<long>();
        stream.Position = field.Begin;
        while (stream.Position < field.End && numbers.Count < most)
        {
            numbers.Add(Varint(field.End));
        }

        return numbers;
    }

    private (long Value, long Begin, long End) Length(long end)
    {
        var length = Varint(end);
        return length >= 0 && length <= end - stream.Position
            ? (0, stream.Position, stream.Position + length)
            : throw Fault("has a field longer than the file: was it cut short?");
    }

    private long Varint(long end)
    {
        long value = 0;
        for (var shift = 0; shift < 70 && stream.Position < end; shift += 7)
        {
            var next = stream.ReadByte();
            value |= shift < 64 ? (long)(next & 127) << shift : 0;
            if (next is >= 0 and < 128)
            {
                return value;
            }
        }

        throw Fault("ends inside a number: was it cut short?");
    }

    private InvalidDataException Fault(string what) =>
        new($"{path}: is not an ONNX model, or a broken one: it {what}{(what.EndsWith('?') ? "" : ".")}");
}
