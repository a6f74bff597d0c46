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
        var pixels = new List<byte[]>();
        var labels = new List<int>();
        foreach (var file in files)
        {
            var bytes = ReadAll(file);
            if (bytes.Length == 0 || bytes.Length % record != 0)
            {
                throw new DataSourceException($"{file}: {bytes.Length} bytes, expected a multiple of {record} (CIFAR-{(hundred ? 100 : 10)}, binary version). Is it whole?");
            }

            for (var start = 0; start < bytes.Length; start += record)
            {
                var label = bytes[start + labelBytes - 1];
                if (label >= names.Length)
                {
                    throw new DataSourceException($"{file}: record {start / record} has label {label}, expected 0 to {names.Length - 1}.");
                }

                labels.Add(label);
                pixels.Add(Interleave(bytes.AsSpan(start + labelBytes, 3 * Plane)));
            }
        }

        return new InMemoryImages(path, Side, Side, [.. pixels], [.. labels], names);
    }

    private static string[] Files(string path, bool hundred, bool test)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        var pattern = (hundred, test) switch { (true, true) => "test.bin", (true, false) => "train.bin", (false, true) => "test_batch.bin", _ => "data_batch_*.bin" };
        var files = Directory.Exists(path) ? Directory.GetFiles(path, pattern).Order(StringComparer.Ordinal).ToArray() : [];
        return files.Length > 0
            ? files
            : throw new DataSourceException($"{path}: no {pattern} there. Give the folder of CIFAR-{(hundred ? 100 : 10)}'s binary version.");
    }

    private static string[] ClassNames(string path, bool hundred)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        var file = Path.Combine(folder, hundred ? "fine_label_names.txt" : "batches.meta.txt");
        var count = hundred ? 100 : 10;
        if (File.Exists(file) && new FileInfo(file).Length < 65_536)
        {
            var lines = File.ReadLines(file).Select(line => line.Trim()).Where(line => line.Length > 0).ToArray();
            if (lines.Length == count)
            {
                return lines;
            }
        }

        return hundred ? [.. Enumerable.Range(0, count).Select(i => $"{i}")] : Classes10;
    }

    private static byte[] ReadAll(string file)
    {
        try
        {
            var length = new FileInfo(file).Length;
            return length <= LargestFile ? File.ReadAllBytes(file) : throw new DataSourceException($"{file}: {length} bytes, expected at most {LargestFile}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataSourceException($"{file}: cannot be read: {error.Message}", error);
        }
    }

    private static byte[] Interleave(ReadOnlySpan<byte> planes)
    {
        var pixels = new byte[3 * Plane];
        for (var i = 0; i < Plane; i++)
        {
            pixels[3 * i] = planes[i];
            pixels[(3 * i) + 1] = planes[Plane + i];
            pixels[(3 * i) + 2] = planes[(2 * Plane) + i];
        }

        return pixels;
    }
}
