using System.Runtime.InteropServices;
using System.Text;

namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>
/// Writes NumPy's format, version 1.0: float32 [M, D], row-major. Names and labels go into a .csv file of the same
/// name.
/// </summary>
/// <remarks>Format: numpy.lib.format. M is known only at the end, so the header reserves space for it.</remarks>
internal sealed class NpyWriter : IFeatureWriter
{
    private const int HeaderSize = 128; // with magic and length; the format requires a multiple of 64

    private readonly FileStream _file;
    private readonly CsvWriter _names;
    private readonly int _featureSize;
    private long _count;

    public NpyWriter(string path, int featureSize, IReadOnlyList<string> classNames)
    {
        _featureSize = featureSize;
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
        _names = new CsvWriter(Path.ChangeExtension(path, ".csv"), featureSize: 0, classNames);
        WriteHeader();
    }

    public void Add(string name, int label, ReadOnlySpan<float> values)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("The .npy writer is for little-endian machines. Use .csv.");
        }

        _file.Write(MemoryMarshal.AsBytes(values));
        _names.Add(name, label, []);
        _count++;
    }

    public void Finish()
    {
        _file.Position = 0;
        WriteHeader();
        _file.Flush();
        _names.Finish();
    }

    public void Dispose()
    {
        _file.Dispose();
        _names.Dispose();
    }

    private void WriteHeader()
    {
        var text = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({_count}, {_featureSize}), }}";
        var header = new byte[HeaderSize];
        header.AsSpan().Fill((byte)' ');
        byte[] magic = [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, HeaderSize - 10, 0];
        magic.CopyTo(header, 0);
        Encoding.ASCII.GetBytes(text, header.AsSpan(magic.Length));
        header[^1] = (byte)'\n';
        _file.Write(header);
    }
}
