using Google.Protobuf;

namespace MoCoSharp.Runs;

/// <summary>
/// A protobuf message to write: its fields in order, and its size, which an enclosing message needs first.
/// </summary>
/// <remarks>The wire format: <see href="https://protobuf.dev/programming-guides/encoding/"/>.</remarks>
internal sealed class ProtoMessage
{
    private readonly List<Action<CodedOutputStream>> _fields = [];

    /// <summary>Size in bytes, without the length prefix of an embedded message.</summary>
    public long Size { get; private set; }

    public ProtoMessage Add(int field, long value) => Add(
        field, WireFormat.WireType.Varint, CodedOutputStream.ComputeInt64Size(value),
        output => output.WriteInt64(value));

    public ProtoMessage Add(int field, float value) => Add(
        field, WireFormat.WireType.Fixed32, CodedOutputStream.ComputeFloatSize(value),
        output => output.WriteFloat(value));

    public ProtoMessage Add(int field, double value) => Add(
        field, WireFormat.WireType.Fixed64, CodedOutputStream.ComputeDoubleSize(value),
        output => output.WriteDouble(value));

    public ProtoMessage Add(int field, string value) => Add(
        field, WireFormat.WireType.LengthDelimited, CodedOutputStream.ComputeStringSize(value),
        output => output.WriteString(value));

    public ProtoMessage Add(int field, ProtoMessage inner) => Add(
        field, WireFormat.WireType.LengthDelimited, LengthSize(inner.Size) + inner.Size, output =>
        {
            output.WriteLength((int)inner.Size);
            inner.Write(output);
        });

    /// <summary>Adds bytes that are created only when written, so that weights are not in memory twice.</summary>
    public ProtoMessage Add(int field, long size, Func<ByteString> bytes) => Add(
        field, WireFormat.WireType.LengthDelimited, LengthSize(size) + size, output => output.WriteBytes(bytes()));

    public ProtoMessage AddEach<T>(IEnumerable<T> values, Func<ProtoMessage, T, ProtoMessage> add) =>
        values.Aggregate(this, add);

    public void Write(CodedOutputStream output)
    {
        foreach (var field in _fields)
        {
            field(output);
        }
    }

    private ProtoMessage Add(int field, WireFormat.WireType type, long size, Action<CodedOutputStream> write)
    {
        Size += CodedOutputStream.ComputeTagSize(field) + size;
        _fields.Add(output =>
        {
            output.WriteTag(field, type);
            write(output);
        });
        return this;
    }

    // A message of 2 GB or more is rejected before any length is written.
    private static int LengthSize(long size) => CodedOutputStream.ComputeLengthSize((int)Math.Min(size, int.MaxValue));
}
