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
/// A cache of features on disk. A file name is a hash of weights, images, view and layer. Deleting a file only costs
/// time.
/// </summary>
/// <param name="folder">Created with the first file.</param>
internal sealed class FeatureCache(string folder)
{
    private const string Format = "features 1";

    /// <summary>
    /// Gets features that are not L2-normalized: from disk if the same weights saw the same images, otherwise computed
    /// and stored.
    /// </summary>
    /// <param name="encoder">The encoder. Its weights and precision are part of the hash; its device is not.</param>
    /// <param name="data">The data set. The content of its images is part of the hash; their paths are not.</param>
    /// <param name="view">The evaluation view. Its description is part of the hash.</param>
    /// <param name="layer">The output to use.</param>
    /// <param name="extract">
    /// Computes the features: <see cref="FeatureExtractor.Extract"/> with the same arguments, not normalized.
    /// </param>
    /// <param name="hashing">Receives the number of images hashed, on any thread.</param>
    /// <param name="notKept">
    /// Receives the reason why correct features are not stored: a full disk, a folder without write permission, or
    /// images that are missing now.
    /// </param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>The features, and the file they were read from; null if they were computed.</returns>
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
                $"{made.Unreadable} of the images could not be read this time, so the features were not stored: the " +
                "next evaluation computes them again.");
            return (made, null);
        }

        try
        {
            Keep(path, made, madeBy);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            notKept?.Invoke(
                $"{path}: features were not stored: {error.Message} The next evaluation computes them again.");
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

    // Null if there is no such file, or if it is damaged or has other content: it is written again.
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

    private static int[]? Integers(SafeTensors file, string name, long count, int from, int below) =>
        file.Tensors.GetValueOrDefault(name) is { dtype: ScalarType.Int32, shape: [var length] } values
        && length == count
        && values.data<int>().ToArray() is var numbers
        && Array.TrueForAll(numbers, number => number >= from && number < below)
            ? numbers
            : null;
}
