using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Reads CIFAR-10 and CIFAR-100 in the binary version: labels and 3 x 32 x 32 planar pixels per record.
/// </summary>
internal static class CifarBinary
{
    private const int Side = 32;
    private const int Plane = Side * Side;
    private const long LargestFile = 1L << 30;

    private static readonly string[] PythonFiles = ["data_batch_1", "train", "test_batch"];
    private static readonly string[] Classes10 =
    [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ];

    /// <summary>Reads the training part or the test part.</summary>
    /// <param name="path">The folder with the .bin files, or one of these files.</param>
    /// <param name="hundred">Whether to read CIFAR-100, with its fine labels.</param>
    /// <param name="test">Whether to read the test part.</param>
    /// <exception cref="DataSourceException">Files are missing, or are not CIFAR in this version.</exception>
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
                    $"{file}: {bytes.Length} bytes, expected a multiple of {record} (CIFAR-{(hundred ? 100 : 10)}, " +
                    "binary version). "
                        + (
                            OtherFile.Hint(bytes) is { Length: > 0 } hint
                                ? $"{hint[1..]} {Wanted(hundred)}"
                                : "Download it again if it is cut short, or use the other of cifar10: and cifar100:."));
            }

            for (var number = 0; number < bytes.Length / record; number++)
            {
                var label = bytes[(number * record) + labelBytes - 1];
                if (label >= names.Length)
                {
                    throw new DataSourceException(
                        $"{file}: record {number} has label {label}, expected 0 to {names.Length - 1}. Is it " +
                        $"CIFAR-{(hundred ? 10 : 100)}, or damaged?");
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

    /// <summary>Whether a folder holds the test part.</summary>
    internal static bool HasTest(string path, bool hundred) =>
        Directory.Exists(path)
        && Directory.Exists(Folder(path, hundred))
        && In(Folder(path, hundred), Pattern(hundred, test: true)).Length > 0;

    private static string Pattern(bool hundred, bool test) =>
        (hundred, test) switch
        {
            (true, true) => "test.bin",
            (true, false) => "train.bin",
            (false, true) => "test_batch.bin",
            _ => "data_batch_*.bin",
        };

    private static string Wanted(bool hundred) =>
        $"Give the folder of CIFAR-{(hundred ? 100 : 10)}'s binary version ({Unpacked(hundred)}, from " +
        $"cifar-{(hundred ? 100 : 10)}-binary.tar.gz).";

    // The folder's name in the archive.
    private static string Unpacked(bool hundred) => hundred ? "cifar-100-binary" : "cifar-10-batches-bin";

    // The folder itself, or the folder of the unpacked archive in it.
    private static string Folder(string path, bool hundred) =>
        Directory.Exists(Path.Combine(path, Unpacked(hundred))) && In(path, Pattern(hundred, test: false)).Length == 0
            ? Path.Combine(path, Unpacked(hundred))
            : path;

    private static string[] In(string folder, string pattern) =>
        SourceFile.Guard(folder, () => Directory.GetFiles(folder, pattern).Order(StringComparer.Ordinal).ToArray());

    private static string[] Files(string path, bool hundred, bool test)
    {
        if (File.Exists(path))
        {
            return [path];
        }

        if (!Directory.Exists(path))
        {
            throw new DataSourceException($"'{path}': there is no such folder or file. {Wanted(hundred)}");
        }

        var pattern = Pattern(hundred, test);
        var files = In(Folder(path, hundred), pattern);
        return files.Length > 0
            ? files
            : throw new DataSourceException($"{path}: no {pattern} there. {Found(path, hundred)}{Wanted(hundred)}");
    }

    // The likely reason for the missing files, or nothing.
    private static string Found(string path, bool hundred)
    {
        var other = hundred ? "cifar10" : "cifar100";
        return In(Folder(path, !hundred), Pattern(!hundred, test: false)).Length > 0
                ? $"It holds CIFAR-{(hundred ? 10 : 100)}: give {other}:{path}. "
            : In(path, "*.tar.gz") is [var archive, ..] ? $"It holds an archive: unpack {Path.GetFileName(archive)}. "
            : In(path, "*.mat").Length > 0 ? "It holds the MATLAB version. "
            : new[] { path, Path.Combine(path, "cifar-10-batches-py"), Path.Combine(path, "cifar-100-python") }.Any(
                IsPython)
                ? "It holds the Python version (pickles), which is not read. "
            : "";
    }

    private static bool IsPython(string folder) =>
        PythonFiles.Any(name =>
            Path.Combine(folder, name) is var file && File.Exists(file) && SourceFile.Head(file) is [0x80, ..]);

    private static string[] ClassNames(string path, bool hundred)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : Folder(path, hundred);
        var file = Path.Combine(folder, hundred ? "fine_label_names.txt" : "batches.meta.txt");
        var count = hundred ? 100 : 10;
        if (File.Exists(file))
        {
            var lines = Encoding
                .UTF8.GetString(SourceFile.ReadAll(file, 65_536))
                .Split('\n')
                .Select(line => line.Trim())
                .Where(line => line.Length > 0)
                .ToArray();
            if (lines.Length == count)
            {
                return lines;
            }
        }

        return hundred ? [.. Enumerable.Range(0, count).Select(i => $"{i}")] : Classes10;
    }

    // Planar to interleaved RGB, in place.
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
