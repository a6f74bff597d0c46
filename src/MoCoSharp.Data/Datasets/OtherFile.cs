using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Explains files that were named as a source of images but are not one.</summary>
internal static class OtherFile
{
    /// <summary>
    /// Says what a file is and what to use instead; null if the file may be a list. For files that are neither a list
    /// nor a packed set.
    /// </summary>
    public static string? Refusal(string file)
    {
        var head = SourceFile.Head(file);
        if (head.Length == 0)
        {
            return null; // the reader of lists explains it
        }

        var name = Path.GetFileName(file);
        if (head is [0, 0, 8, 1 or 3, ..])
        {
            return $"{file}: is an IDX file, of the MNIST family. Give its folder: idx:{Folder(file)}";
        }

        if (
            name.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
            && (
                name.StartsWith("data_batch", StringComparison.Ordinal)
                || name is "train.bin" or "test.bin" or "test_batch.bin"))
        {
            return $"{file}: is a file of CIFAR's binary version. Give its folder: " +
                $"{(name.Contains("batch", StringComparison.Ordinal) ? "cifar10" : "cifar100")}:{Folder(file)}";
        }

        if (FileSignature.Describe(head) is not { } kind)
        {
            return null;
        }

        return ImageEndings.IsImage(Path.GetExtension(file)) || kind.Contains(" image", StringComparison.Ordinal)
            ? $"{file}: is {kind} A source is many images: give the folder that holds them (--data {Folder(file)}), " +
                "or a text file with a path a line."
            : $"{file}: is {kind} A source is a folder of images, a text file with a path a line, or another of " +
                "the kinds that --help lists.";
    }

    /// <summary>Says what a file of unexpected content is: a hint to append to an error, or nothing.</summary>
    public static string Hint(ReadOnlySpan<byte> head) =>
        FileSignature.Describe(head) is { } kind ? $" It is {kind}" : "";

    private static string Folder(string file) => Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder : ".";
}
