using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Files that a person names as a source of images, and that are none.</summary>
internal static class OtherFile
{
    /// <summary>
    /// Says what a file is that is neither a list nor a packed set, and what to give instead; null where it may be a
    /// list.
    /// </summary>
    public static string? Refusal(string file)
    {
        var head = SourceFile.Head(file);
        if (head.Length == 0)
        {
            return null; // the list's own words
        }

        var name = Path.GetFileName(file);
        if (head is [0, 0, 8, 1 or 3, ..])
        {
            return $"{file}: is an IDX file, of the MNIST family. Give the folder that it lies in: idx:{Folder(file)}";
        }

        if (
            name.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
            && (
                name.StartsWith("data_batch", StringComparison.Ordinal)
                || name is "train.bin" or "test.bin" or "test_batch.bin"))
        {
            return $"{file}: is a file of CIFAR's binary version. Give the folder that it lies in: " +
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
                "those that --help names.";
    }

    /// <summary>
    /// Says what a file holds that was expected to hold something else; a hint to put behind a refusal, or nothing.
    /// </summary>
    public static string Hint(ReadOnlySpan<byte> head) =>
        FileSignature.Describe(head) is { } kind ? $" It is {kind}" : "";

    private static string Folder(string file) => Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder : ".";
}
