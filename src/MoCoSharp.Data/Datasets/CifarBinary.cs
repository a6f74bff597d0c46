using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>CIFAR-10 and CIFAR-100 in their binary version: records of labels and 3 x 32 x 32 planar pixels.</summary>
public static class CifarBinary
{
    private const int Side = 32;
    private const int Plane = Side * Side;
    private const long LargestFile = 1L << 30;

    private static readonly string[] Classes10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Reads one part of the set.</summary>
    /// <param name="path">The folder of the .bin files, or one file.</param>
    /// <param name="hundred">CIFAR-100, with its fine labels.</param>
    /// <param name="test">The test part.</param>
    /// <exception cref="DataSourceException">Files are missing, or hold something else.</exception>
    public static IImageDataset Open(string path, bool hundred, bool test)
    {
        var files = Files(path, hundred, test);
        var names = ClassNames(path, hundred);
        var labelBytes = hundred ? 2 : 1;
        var record = labelBytes + (3 * Plane);
        var contents = new List<byte[]>();
        var labels = new List<int>();
        var places = new List<(int File, int Record)>();
        foreach (var file in files)
        {
            var bytes = SourceFile.ReadAll(file, LargestFile);
            if (bytes.Length == 0 || bytes.Length % record != 0)
            {
                throw new DataSourceException(
                    $"{file}: {bytes.Length} bytes, expected a multiple of {record} (CIFAR-{(hundred ? 100 : 10)}, binary version). " +
                    "Fetch it again if it is cut short, or use the other of cifar10: and cifar100:.");
            }

            for (var number = 0; number < bytes.Length / record; number++)
            {
                var label = bytes[(number * record) + labelBytes - 1];
                if (label >= names.Length)
                {
                    throw new DataSourceException(
                        $"{file}: record {number} has label {label}, expected 0 to {names.Length - 1}. Is it CIFAR-{(hundred ? 10 : 100)}, or damaged?");
                }

                Interleave(bytes.AsSpan((number * record) + labelBytes, 3 * Plane));
                labels.Add(label);
                places.Add((contents.Count, number));
            }

            contents.Add(bytes);
        }

        return new InMemoryImages(
            path,
            [.. labels],
            names,
            i => new ImageBuffer(Side, Side, contents[places[i].File], (places[i].Record * record) + labelBytes),
            i => $"{Path.GetFileName(files[places[i].File])}#{places[i].Record}");
    }

    private static string[] Files(string path, bool hundred, bool test)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        var pattern = (hundred, test) switch { (true, true) => "test.bin", (true, false) => "train.bin", (false, true) => "test_batch.bin", _ => "data_batch_*.bin" };
        var files = Directory.Exists(path)
            ? SourceFile.Guard(path, () => Directory.GetFiles(path, pattern).Order(StringComparer.Ordinal).ToArray())
            : throw new DataSourceException($"'{path}': there is no such folder or file. Give the folder of CIFAR-{(hundred ? 100 : 10)}'s binary version.");
        return files.Length > 0
            ? files
            : throw new DataSourceException($"{path}: no {pattern} there. Give the folder of CIFAR-{(hundred ? 100 : 10)}'s binary version.");
    }

    private static string[] ClassNames(string path, bool hundred)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        var file = Path.Combine(folder, hundred ? "fine_label_names.txt" : "batches.meta.txt");
        var count = hundred ? 100 : 10;
        if (File.Exists(file))
        {
            var lines = Encoding.UTF8.GetString(SourceFile.ReadAll(file, 65_536)).Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
            if (lines.Length == count)
            {
                return lines;
            }
        }

        return hundred ? [.. Enumerable.Range(0, count).Select(i => $"{i}")] : Classes10;
    }

    // From three planes to three bytes a pixel, in place.
    private static void Interleave(Span<byte> record)
    {
        Span<byte> planes = stackalloc byte[3 * Plane];
        record.CopyTo(planes);
        for (var i = 0; i < Plane; i++)
        {
            record[3 * i] = planes[i];
            record[(3 * i) + 1] = planes[Plane + i];
            record[(3 * i) + 2] = planes[(2 * Plane) + i];
        }
    }
}
