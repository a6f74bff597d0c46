using System.Globalization;
using System.Text;

namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>CSV with columns name,label,class,f0,f1,... and one line per image, quoted as in RFC 4180.</summary>
internal sealed class CsvWriter : IFeatureWriter
{
    private readonly StreamWriter _file;
    private readonly IReadOnlyList<string> _classNames;

    public CsvWriter(string path, int featureSize, IReadOnlyList<string> classNames)
    {
        _classNames = classNames;
        _file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
        {
            NewLine = "\n",
        };
        _file.WriteLine(
            string.Join(',', ["name", "label", "class", .. Enumerable.Range(0, featureSize).Select(i => $"f{i}")]));
    }

    public void Add(string name, int label, ReadOnlySpan<float> values)
    {
        _file.Write($"{Quoted(name)},{label},{Quoted(label < 0 ? "" : _classNames[label])}");
        foreach (var value in values)
        {
            _file.Write(',');
            _file.Write(value.ToString("R", CultureInfo.InvariantCulture));
        }

        _file.WriteLine();
    }

    public void Finish() => _file.Flush();

    public void Dispose() => _file.Dispose();

    internal static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";
}
