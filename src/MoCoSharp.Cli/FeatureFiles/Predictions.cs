using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MoCoSharp.Models;

namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>Writes predictions image by image: to the terminal, as CSV or as JSON.</summary>
internal abstract class Predictions : IDisposable
{
    /// <summary>Creates a writer by the extension of a file; null prints.</summary>
    public static Predictions Create(string? path, int classes) => path is null ? new Printed()
        : Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase) ? new JsonFile(path)
        : new CsvFile(path, classes);

    /// <summary>Adds an image with its most likely classes.</summary>
    public abstract void Add(string name, (string Class, float Probability)[] likeliest);

    /// <summary>Completes the output.</summary>
    public virtual void Finish()
    {
    }

    /// <inheritdoc/>
    public abstract void Dispose();

    private static string Text(float probability) => probability.ToString("0.######", CultureInfo.InvariantCulture);

    private sealed class Printed : Predictions
    {
        public override void Add(string name, (string Class, float Probability)[] likeliest)
        {
            var classes = likeliest.Select(item => $"{Line(item.Class)}\t{Text(item.Probability)}");
            Console.Out.WriteLine($"{Line(name)}\t{string.Join('\t', classes)}");
        }

        // Replaces control characters: each image has one line, and the terminal is not disturbed.
        private static string Line(string text) =>
            new([.. text.Select(letter => char.IsControl(letter) ? '?' : letter)]);

        public override void Dispose() => Console.Out.Flush();
    }

    private sealed class CsvFile : Predictions
    {
        private readonly StreamWriter _file;

        public CsvFile(string path, int classes)
        {
            _file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false))
            {
                NewLine = "\n",
            };
            _file.WriteLine(
                "name"
                    + string.Concat(
                        Enumerable
                            .Range(1, classes)
                            .Select(rank => rank == 1 ? ",class,probability" : $",class{rank},probability{rank}")));
        }

        public override void Add(string name, (string Class, float Probability)[] likeliest) =>
            _file.WriteLine(
                CsvWriter.Quoted(name)
                    + string.Concat(
                        likeliest.Select(item => $",{CsvWriter.Quoted(item.Class)},{Text(item.Probability)}")));

        public override void Finish() => _file.Flush();

        public override void Dispose() => _file.Dispose();
    }

    private sealed class JsonFile : Predictions
    {
        private readonly FileStream _stream;
        private readonly Utf8JsonWriter _file;

        public JsonFile(string path)
        {
            _stream = File.Create(path);
            _file = new Utf8JsonWriter(
                _stream,
                new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            _file.WriteStartArray();
        }

        public override void Add(string name, (string Class, float Probability)[] likeliest)
        {
            _file.WriteStartObject();
            _file.WriteString("name", name);
            _file.WriteStartArray("classes");
            foreach (var (found, probability) in likeliest)
            {
                _file.WriteStartObject();
                _file.WriteString("class", found);
                _file.WriteNumber("probability", probability);
                _file.WriteEndObject();
            }

            _file.WriteEndArray();
            _file.WriteEndObject();
            _file.Flush(); // one image is small, but a data set may be large
        }

        public override void Finish()
        {
            _file.WriteEndArray();
            _file.Flush();
        }

        public override void Dispose()
        {
            _file.Dispose();
            _stream.Dispose();
        }
    }
}
