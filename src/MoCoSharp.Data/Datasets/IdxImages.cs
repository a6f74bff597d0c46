using System.Buffers.Binary;
using System.IO.Compression;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Reads the IDX files of the MNIST family, also if packed with gzip. Gray values become RGB.</summary>
internal static class IdxImages
{
    private const int ImagesMagic = 0x803; // unsigned bytes, three dimensions
    private const int LabelsMagic = 0x801; // unsigned bytes, one dimension
    private const long Largest = 1L << 30;
    private const int MostFolders = 100; // searched for the files
    private const int LargestImage = 1 << 24; // pixels

    /// <summary>Reads the training part or the test part.</summary>
    /// <param name="path">
    /// The folder with {train,t10k}-images-idx3-ubyte and -labels-idx1-ubyte, or one image file.
    /// </param>
    /// <param name="test">Whether to read the test part.</param>
    /// <exception cref="DataSourceException">Files are missing, or are not IDX files of images and labels.</exception>
    public static IImageDataset Open(string path, bool test)
    {
        var single = File.Exists(path);
        var part = test ? "t10k" : "train";
        var folder = single ? path : Folder(path);
        var imageFile = single ? path : Find(folder, $"{part}-images", "idx3-ubyte")
            ?? throw new DataSourceException(
                $"'{path}': {(Directory.Exists(path) ? "" : "no such folder, so ")}no {part}-images-idx3-ubyte or " +
                $".gz there. {Found(path)}Give the folder of the IDX files.");
        var labelFile = single ? null : Find(folder, $"{part}-labels", "idx1-ubyte");

        var (sizes, images) = Read(imageFile, ImagesMagic, dimensions: 3);
        var (count, height, width) = (sizes[0], sizes[1], sizes[2]);
        if ((long)height * width > LargestImage)
        {
            throw new DataSourceException(
                $"{imageFile}: images of {height} x {width}, expected at most {LargestImage} pixels. Is it a set of " +
                "images?");
        }

        int[] labels;
        if (labelFile is null)
        {
            labels = [.. Enumerable.Repeat(-1, count)];
        }
        else
        {
            var (labelSizes, values) = Read(labelFile, LabelsMagic, dimensions: 1);
            labels = labelSizes[0] == count
                ? [.. values.Select(value => (int)value)]
                : throw new DataSourceException(
                    $"{labelFile}: {labelSizes[0]} labels for {count} images in {imageFile}. Download both from the " +
                    "same set.");
        }

        string[] names = labelFile is null
            ? []
            : [.. Enumerable.Range(0, Math.Max(10, labels.Max() + 1)).Select(i => $"{i}")];
        var area = height * width;
        return new InMemoryImages(
            path,
            labels,
            names,
            i => new ImageBuffer(width, height, Rgb(images.AsSpan(i * area, area))),
            i => $"{Path.GetFileName(imageFile)}#{i}");
    }

    private static byte[] Rgb(ReadOnlySpan<byte> gray)
    {
        var pixels = new byte[3 * gray.Length];
        for (var i = 0; i < gray.Length; i++)
        {
            pixels.AsSpan(3 * i, 3).Fill(gray[i]);
        }

        return pixels;
    }

    /// <summary>Whether a folder holds the test part.</summary>
    internal static bool HasTest(string path) =>
        Directory.Exists(path) && Find(Folder(path), "t10k-images", "idx3-ubyte") is not null;

    // The folder itself, or the subfolder with the files: torchvision puts them into MNIST/raw.
    private static string Folder(string path)
    {
        if (!Directory.Exists(path) || Find(path, "train-images", "idx3-ubyte") is not null)
        {
            return path;
        }

        string[] below = [.. FolderScan.FoldersIn(path).Take(MostFolders).Select(name => Path.Combine(path, name))];
        string[] all =
        [
            .. below,
            .. below.SelectMany(folder =>
                FolderScan.FoldersIn(folder).Take(MostFolders).Select(name => Path.Combine(folder, name))),
        ];
        string[] found = [.. all.Where(folder => Find(folder, "train-images", "idx3-ubyte") is not null)];
        return found.Length switch
        {
            0 => path,
            1 => found[0],
            _ => throw new DataSourceException(
                $"{path}: holds several sets: {DataNotice.Some(found)}. Give the folder of one: idx:{found[0]}"),
        };
    }

    // The likely reason for the missing files, or nothing.
    private static string Found(string path) => !Directory.Exists(path) ? ""
        : Directory.GetFiles(path, "*-images-idx3-ubyte*") is [var other, ..]
            ? $"There is {Path.GetFileName(other)}: rename files that begin otherwise. "
        : Directory.GetFiles(path, "*.zip") is [var archive, ..]
            ? $"It holds an archive: unpack {Path.GetFileName(archive)}. "
        : Directory.GetFiles(path, "*.pt").Length > 0
            ? "It holds tensors of torchvision (.pt), which are not read: the raw files are in the folder raw. "
        : "";

    // "train-images-idx3-ubyte" or "train-images.idx3-ubyte", optionally with .gz, or in a folder of that name.
    private static string? Find(string folder, string stem, string kind) => new[] { $"{stem}-{kind}", $"{stem}.{kind}" }
        .SelectMany(name => new[] { name, name + ".gz", Path.Combine(name, name) })
        .Select(file => Path.Combine(folder, file))
        .FirstOrDefault(File.Exists);

    private static (int[] Sizes, byte[] Values) Read(string file, int magic, int dimensions) =>
        SourceFile.Guard(
            file,
            () =>
    {
        using var raw = SourceFile.Open(file);
        var head = SourceFile.Head(file);
        // Browsers may unpack a file and keep its name.
        using Stream stream = head is [0x1F, 0x8B, ..] ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        Span<byte> header = stackalloc byte[4 * (1 + dimensions)];
        stream.ReadExactly(header);
        var found = BinaryPrimitives.ReadInt32BigEndian(header);
        if (found != magic)
        {
            var hint = stream == raw ? OtherFile.Hint(head) : "";
            throw new DataSourceException(
                $"{file}: starts with 0x{found:X8}, expected 0x{magic:X8} (IDX, unsigned bytes, {dimensions} " +
                $"dimensions).{(hint.Length > 0 ? hint : " Is it the right file?")}");
        }

        var sizes = new int[dimensions];
        long total = 1;
        for (var i = 0; i < dimensions; i++)
        {
            sizes[i] = BinaryPrimitives.ReadInt32BigEndian(header[(4 * (i + 1))..]);
            total = sizes[i] is > 0 and <= 1 << 28 ? total * sizes[i] : Largest + 1;
            if (total > Largest)
            {
                throw new DataSourceException(
                    $"{file}: dimension {i} is {sizes[i]}, expected above 0 and at most {Largest} bytes in all. Is " +
                    "it the right file?");
            }
        }

        // Memory grows with the bytes that are really there, not with the size in the header.
        var values = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (values.Length < total)
        {
            var read = stream.Read(buffer, 0, (int)Math.Min(buffer.Length, total - values.Length));
            if (read == 0)
            {
                throw new DataSourceException(
                    $"{file}: ends after {values.Length} of {total} values. Download it again: it is cut short.");
            }

            values.Write(buffer, 0, read);
        }

        return (sizes, values.ToArray());
    });
}
