using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Data.Datasets;

/// <summary>A cheap digest that identifies a data set. No image is decoded.</summary>
internal static class DataFingerprint
{
    private const int SizesTaken = 256; // asking for the sizes of a million files on a network drive takes minutes

    /// <summary>
    /// A digest of the number of images, the classes, all names and labels, and the sizes of 256 evenly spaced files.
    /// </summary>
    /// <param name="data">The images. The path of the set does not count.</param>
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
            hash.AppendData([0]); // separates the names, which hold no NUL
        }
    }
}
