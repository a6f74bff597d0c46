using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Sets a part of the training images aside, to choose settings without the test images. The names of the images decide
/// which, so the part is the same for every run and seed.
/// </summary>
internal static class HeldOutImages
{
    /// <summary>How --val names the part: "held-out", or "held-out:0.2".</summary>
    public const string Kind = "held-out";

    private const double DefaultShare = 0.1;
    private const double LargestShare = 0.5;

    /// <summary>Whether --val names a part of the training images.</summary>
    public static bool IsNamedSo(string validation) =>
        validation == Kind || validation.StartsWith(Kind + ':', StringComparison.Ordinal);

    /// <summary>Divides a set.</summary>
    /// <param name="data">All training images.</param>
    /// <param name="validation">"held-out", or "held-out:SHARE".</param>
    /// <returns>The images that are left to train on, and those set aside, both in the order of the set.</returns>
    /// <exception cref="DataSourceException">The share is not a number, or a part would be empty.</exception>
    public static (IImageDataset Train, IImageDataset HeldOut) Split(IImageDataset data, string validation)
    {
        var text = validation.Length > Kind.Length ? validation[(Kind.Length + 1)..] : "";
        var share = DefaultShare;
        if (
            text.Length > 0
            && !(double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out share)
                && share is > 0 and <= LargestShare))
        {
            throw new DataSourceException(
                $"{validation}: expected held-out:SHARE with a share of the training images above 0 and at most 0.5, " +
                "such as held-out:0.1.");
        }

        var aside = Enumerable.Range(0, data.Count)
            .GroupBy(data.LabelOf)
            .SelectMany(group => group
                .OrderBy(index => Hash(data.NameOf(index)))
                .ThenBy(index => index)
                .Take((int)Math.Round(share * group.Count())))
            .ToHashSet();
        return aside.Count == 0
            ? throw new DataSourceException(
                $"{data.Description}: {validation} sets none of the {data.Count} images aside. Take a larger share, " +
                "or name test images with --val.")
            : (
                ImageSubset.Of(data, [.. Enumerable.Range(0, data.Count).Where(index => !aside.Contains(index))]),
                ImageSubset.Of(data, [.. aside.Order()]));
    }

    private static ulong Hash(string name) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
