using System.Globalization;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Runs;

/// <summary>Reads the counters and texts of a saved state. Each fault names the file and the key.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="values">Its metadata.</param>
internal sealed class StateMetadata(string path, IReadOnlyDictionary<string, string> values)
{
    /// <summary>The text of a key.</summary>
    /// <exception cref="InvalidDataException">The key is missing.</exception>
    public string this[string key] => Find(key) ?? throw Fault(key, "is missing");

    /// <summary>The text of a key; null if it is missing.</summary>
    public string? Find(string key) => values.GetValueOrDefault(key);

    /// <summary>A whole number of 0 or more.</summary>
    /// <exception cref="InvalidDataException">The key is missing, or has another value.</exception>
    public long GetNumber(string key) =>
        long.TryParse(this[key], NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault(key, $"is \"{this[key]}\", expected a number of 0 or more");

    /// <summary>A whole number of 0 or more, or a default if the key is missing.</summary>
    /// <exception cref="InvalidDataException">The key has another value.</exception>
    public long GetNumber(string key, long ifMissing) => Find(key) is null ? ifMissing : GetNumber(key);

    /// <summary>Checks that a key has a certain text.</summary>
    /// <param name="key">The key.</param>
    /// <param name="expected">The text that it must have.</param>
    /// <param name="otherwise">What the file is if it has another text, such as "is not a checkpoint".</param>
    /// <param name="cure">A sentence on what to do, with a space before it; may be empty.</param>
    /// <exception cref="InvalidDataException">It has another text, or none.</exception>
    public void Require(string key, string expected, string otherwise, string cure = "")
    {
        if (Find(key) is var found && found != expected)
        {
            throw new InvalidDataException(
                $"{path}: {otherwise}: its {key} is \"{found}\", expected \"{expected}\".{cure}");
        }
    }

    /// <summary>Checks that the file has a checksum: <see cref="SafeTensors.Read"/> takes files without one.</summary>
    /// <exception cref="InvalidDataException">It has none.</exception>
    public void RequireChecksum()
    {
        if (Find(Checksum.Key) is null)
        {
            throw new InvalidDataException(
                $"{path}: has no checksum, which every checkpoint has: the file was changed after it was written.");
        }
    }

    /// <summary>The error for a key whose value cannot be used.</summary>
    public InvalidDataException Fault(string key, string what) =>
        new($"{path}: {key} {what}. Was it made by another program?");
}
