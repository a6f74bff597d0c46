using System.Globalization;
using System.Security.Cryptography;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Features kept on the disk, each file named by what made it: weights, images, view and layer. Deleting one costs
/// time, nothing else.
/// </summary>
/// <param name="folder">Made when the first file is kept.</param>
internal sealed class FeatureCache(string folder)
{
    private const string Format = "features 1";

    /// <summary>
    /// Features that are not normalised: from the disk where the same weights saw the same images, else newly made and
    /// kept.
    /// </summary>
    /// <param name="encoder">Its weights and precision count, on whatever device.</param>
    /// <param name="data">Its images count, wherever they lie.</param>
    /// <param name="view">As it describes itself.</param>
    /// <param name="layer">Which output.</param>
    /// <param name="extract">
    /// Makes them: <see cref="FeatureExtractor.Extract"/> with the same arguments, not normalised.
    /// </param>
    /// <param name="hashing">Told the number of images hashed, from any thread.</param>
    /// <param name="notKept">
    /// Told where a full disk or a folder of others does not take them, the features being good all the same; or where
    /// images are missing that may be there again.
    /// </param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>The features, and the file that they were found in; null where they were made.</returns>
    public (FeatureSet Features, string? FoundIn) Get(
        Encoder encoder, IImageDataset data, ViewTransform view, FeatureLayer layer, Func<FeatureSet> extract,
        Action<int>? hashing = null, Action<string>? notKept = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(view);
        ArgumentNullException.ThrowIfNull(extract);
        var madeBy = string.Join('\n',
            Format, $"weights {WeightHash.Of(encoder)}", $"images {ContentHash.Of(data, hashing, cancellation)}",
            $"view {view.Describe()}",
            $"layer {layer}", $"precision {encoder.Precision}");
        var path = Path.Combine(
            folder,
            Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(madeBy)).AsSpan(0, 10))
                + ".safetensors");
        if (Load(path, madeBy, data) is { } found)
        {
            return (found, path);
        }

        var made = extract();
        if (made.Unreadable > 0)
        {
            notKept?.Invoke(
                $"{made.Unreadable} of the images could not be read this time, so the features were not kept: the " +
                "next evaluation makes them again.");
            return (made, null);
        }

        try
        {
            Keep(path, made, madeBy);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            notKept?.Invoke($"{path}: features were not kept: {error.Message} The next evaluation makes them again.");
        }

        return (made, null);
    }

    private void Keep(string path, FeatureSet made, string madeBy)
    {
        Directory.CreateDirectory(folder);
        using var labels = tensor(made.Labels, dtype: int32);
        using var indices = tensor(made.Indices, dtype: int32);
        AtomicFile.Write(path, stream => SafeTensors.Write(
            stream, [("features", made.Values), ("indices", indices), ("labels", labels)],
            new Dictionary<string, string>
            {
                ["madeBy"] = madeBy,
                ["images"] = made.Indices.Length.ToString(CultureInfo.InvariantCulture),
            }));
    }

    // Null where there is no such file, or it is torn or of something else: then it is written anew.
    private static FeatureSet? Load(string path, string madeBy, IImageDataset data)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var file = SafeTensors.Read(path);
            return file.Metadata.GetValueOrDefault("madeBy") == madeBy
                && file.Tensors.GetValueOrDefault("features")
                    is { dtype: ScalarType.Float32, shape: [var count, _] } values
                && Integers(file, "labels", count, from: -1, below: Math.Max(1, data.ClassNames.Count)) is { } labels
                && Integers(file, "indices", count, from: 0, below: data.Count) is { } indices
                    ? new FeatureSet(
                        values.alias().DetachFromDisposeScope(), labels, indices, [.. indices.Select(data.NameOf)])
                    : null;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return null;
        }
    }

    private static int[]? Integers(SafeTensorsFile file, string name, long count, int from, int below) =>
        file.Tensors.GetValueOrDefault(name) is { dtype: ScalarType.Int32, shape: [var length] } values
        && length == count
        && values.data<int>().ToArray() is var numbers
        && Array.TrueForAll(numbers, number => number >= from && number < below)
            ? numbers
            : null;
}
