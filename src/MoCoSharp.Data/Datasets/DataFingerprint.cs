using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Data.Datasets;

/// <summary>What tells one data set from another, cheaply: no image is decoded.</summary>
internal static class DataFingerprint
{
    private const int SizesTaken = 256; // a million files on a network drive would take minutes to ask

    /// <summary>
    /// A digest of the number of images, the classes, every image's name and label, and the file sizes of 256 images
    /// spread evenly.
    /// </summary>
    /// <param name="data">The images, wherever they lie: the path to the set does not count.</param>
    /// <returns>16 hexadecimal digits.</returns>
    public static string Of(IImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add($"{data.Count} images in {data.ClassNames.Count} classes");
        foreach (var name in data.ClassNames)
        {
            Add(name);
        }

        for (var i = 0; i < data.Count; i++)
        {
            Add($"{data.LabelOf(i)} {data.NameOf(i)}");
        }

        var taken = Math.Min(SizesTaken, data.Count);
        for (var i = 0; i < taken; i++)
        {
            Add($"{data.SizeOf((int)((long)i * data.Count / taken))}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));

        void Add(string text)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(text));
            hash.AppendData([0]); // a name holds no NUL: where one ends and the next begins is told apart
        }
    }
}
