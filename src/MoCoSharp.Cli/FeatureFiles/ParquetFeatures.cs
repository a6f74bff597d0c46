using Parquet;
using Parquet.Schema;

namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>
/// Writes Apache Parquet with columns name, label, class and features. Features are a list of float32 that pandas,
/// Polars and DuckDB can read.
/// </summary>
internal sealed class ParquetFeatures : IFeatureWriter
{
    private const int ValuesInMemory = 4 << 20; // 16 MB per row group

    private static readonly DataField<string> Name = new("name", nullable: false);
    private static readonly DataField<int> Label = new("label", nullable: false);
    private static readonly DataField<string> Class = new("class", nullable: false);
    private static readonly DataField<float> Element = new("element", nullable: false);
    private static readonly ParquetSchema Schema = new(Name, Label, Class, new ListField("features", Element));

    private readonly FileStream _stream;
    private readonly ParquetWriter _file;
    private readonly IReadOnlyList<string> _classNames;
    private readonly int _featureSize;
    private readonly List<string> _names = [];
    private readonly List<int> _labels = [];
    private readonly float[] _values; // [rows of a group, D]
    private readonly int[] _definitions; // every value is present
    private readonly int[] _repetitions; // 0 at the start of a row

    public ParquetFeatures(string path, int featureSize, IReadOnlyList<string> classNames)
    {
        _featureSize = featureSize;
        _classNames = classNames;
        var rows = Math.Max(1, ValuesInMemory / featureSize);
        _values = new float[rows * featureSize];
        _definitions = [.. Enumerable.Repeat(2, _values.Length)];
        _repetitions = [.. Enumerable.Range(0, _values.Length).Select(i => i % featureSize == 0 ? 0 : 1)];
        _stream = new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
        _file = ParquetWriter.CreateAsync(Schema, _stream).GetAwaiter().GetResult();
    }

    public void Add(string name, int label, ReadOnlySpan<float> values)
    {
        values.CopyTo(_values.AsSpan(_names.Count * _featureSize, _featureSize));
        _names.Add(name);
        _labels.Add(label);
        if ((_names.Count + 1) * _featureSize > _values.Length)
        {
            WriteGroup();
        }
    }

    public void Finish()
    {
        if (_names.Count > 0)
        {
            WriteGroup();
        }

        _file.DisposeAsync().AsTask().GetAwaiter().GetResult(); // writes the footer
        _stream.Flush();
    }

    // Without Finish there is no footer, and the caller deletes the file.
    public void Dispose() => _stream.Dispose();

    private void WriteGroup()
    {
        WriteGroupAsync().GetAwaiter().GetResult();
        _names.Clear();
        _labels.Clear();
    }

    private async Task WriteGroupAsync()
    {
        using var group = _file.CreateRowGroup();
        var count = _names.Count * _featureSize;
        await group.WriteAsync(Name, _names).ConfigureAwait(false);
        await group.WriteAsync<int>(Label, _labels.ToArray().AsMemory()).ConfigureAwait(false);
        await group
            .WriteAsync(Class, _labels.ConvertAll(label => label < 0 ? "" : _classNames[label]))
            .ConfigureAwait(false);
        await group.WriteAllPartsAsync<float>(
            Element, _values.AsMemory(0, count), _definitions.AsMemory(0, count), _repetitions.AsMemory(0, count),
            CancellationToken.None)
        .ConfigureAwait(false);
        group.CompleteValidate();
    }
}
