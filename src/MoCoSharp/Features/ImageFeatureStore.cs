using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// L2-normalized features of images, stored by the content of each image. Only new and changed images are computed;
/// renamed ones are not. Deleting a file only costs time.
/// </summary>
/// <remarks>
/// The features of all images are in memory, 4 bytes a value; while stored features are read, twice. A data set has a
/// file of its own for each encoder, layer and view; so has a part of one. While it has none, as after a folder was
/// renamed, its images are looked up in the files of other data sets.
/// </remarks>
/// <param name="folder">Created with the first file; null stores nothing.</param>
/// <param name="encoder">The encoder. Its weights and precision are part of the key; its device is not.</param>
/// <param name="view">The evaluation view. Its description is part of the key.</param>
/// <param name="layer">The output to use.</param>
public sealed class ImageFeatureStore(string? folder, Encoder encoder, ViewTransform view, FeatureLayer layer)
{
    // Implementation note: FeatureCache stores the features of a whole data set under one hash, for evaluations. Here
    // each image counts by itself.
    private const string Format = "image features 1";
    private const int OthersRead = 4; // files of other data sets, the newest

    private readonly int _width = layer == FeatureLayer.Head ? encoder.OutputSize : encoder.FeatureSize;

    /// <summary>Workers and prefetching.</summary>
    public LoaderOptions Loader { get; init; } = new();

    /// <summary>The device of the encoder.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Called with the phase, the number of images done, and their total, from any thread.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Called with a broken image, from any thread. The image is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Called with one sentence if a file cannot be used or written. The features are correct.</summary>
    public Action<string>? Noted { get; init; }

    /// <summary>Gets the features of every readable image, in data set order.</summary>
    /// <param name="data">The images.</param>
    /// <param name="cancellation">Ends the work early. What is computed until then is stored.</param>
    /// <exception cref="InvalidDataException">No image is readable, or a feature is not finite.</exception>
    /// <exception cref="BrokenImageException">No image can be read any more. What was computed is stored.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public FeatureSet Get(IImageDataset data, CancellationToken cancellation = default)
    {
        var features = GetReadable(data, cancellation);
        return features.Indices.Length > 0
            ? features
            : throw new InvalidDataException($"{data.Description}: none of its {data.Count} images can be read.");
    }

    /// <summary>As <see cref="Get"/>; empty if no image is readable.</summary>
    /// <param name="data">The images.</param>
    /// <param name="cancellation">Ends the work early. What is computed until then is stored.</param>
    /// <exception cref="InvalidDataException">A feature is not finite.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    internal FeatureSet GetReadable(IImageDataset data, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        using var noGrad = no_grad();
        using var rows = new FeatureRows(data.Count, _width);
        StoreFile? file = folder is null ? null : FileOf(folder, data);
        var images = new ImageIdentity[data.Count];
        ImageIdentity[] stored = [];
        if (file is { } known)
        {
            using (var own = StoredFeatures.Read(known.Path, known.MadeBy, _width, Noted))
            {
                stored = own?.Images ?? [];
                images = ImageIdentity.Of(
                    data, stored.DistinctBy(image => image.Name).ToDictionary(image => image.Name),
                    done => Progress?.Invoke("images compared with stored features", done, data.Count), cancellation);
                Copy(own, images, rows);
            }

            if (stored.Length == 0)
            {
                CopyFromOthers(known, images, rows);
            }
        }

        var found = rows.Count;
        try
        {
            Compute(data, images, rows, cancellation);
        }
        catch (Exception error) when (error is OperationCanceledException or BrokenImageException)
        {
            Finish(data, images, rows, stored, file).Dispose();
            throw;
        }

        var features = Finish(data, images, rows, stored, file);
        return features with { Computed = features.Indices.Length - found };
    }

    // Of equal images, the first is computed. If it cannot be read, the others are tried too.
    private void Compute(
        IImageDataset data, ImageIdentity[] images, FeatureRows rows, CancellationToken cancellation)
    {
        var seen = new HashSet<UInt128>();
        int[] missing = [.. Enumerable.Range(0, data.Count).Where(index => !rows.Has(index))];
        int[] first = [.. missing.Where(index => images[index].Content == default || seen.Add(images[index].Content))];
        Compute(data, first, rows, cancellation);
        CopyRepeats(images, rows);
        Compute(data, [.. missing.Except(first).Where(index => !rows.Has(index))], rows, cancellation);
    }

    private void Compute(IImageDataset data, int[] indices, FeatureRows rows, CancellationToken cancellation)
    {
        var computed = 0;
        if (indices.Length > 0)
        {
            FeatureExtractor.Stream(
                encoder, ImageSubset.Of(data, indices), view, layer, Loader, Device, normalize: true, Take,
                bad => BadImageFound?.Invoke(bad with { Index = indices[bad.Index] }), canBeEmpty: true,
                cancellation: cancellation);
        }

        void Take(FeatureBatch batch)
        {
            var values = HostMemory.Floats(batch.Values); // [N, D]
            for (var i = 0; i < batch.Indices.Length; i++)
            {
                var row = values.AsSpan(i * _width, _width);
                ThrowIfNotFinite(row, data.NameOf(indices[batch.Indices[i]]));
                rows.Fill(indices[batch.Indices[i]], row);
            }

            computed += batch.Indices.Length;
            Progress?.Invoke("features of images", computed, indices.Length);
        }
    }

    private static void ThrowIfNotFinite(ReadOnlySpan<float> row, string name)
    {
        foreach (var value in row)
        {
            if (!float.IsFinite(value))
            {
                throw new InvalidDataException(
                    $"{name}: its features are not finite numbers, so that no neighbors can be told. Has training " +
                    "diverged? Take an earlier checkpoint.");
            }
        }
    }

    private static void Copy(StoredFeatures? from, ImageIdentity[] images, FeatureRows rows)
    {
        if (from is null)
        {
            return;
        }

        var places = new Dictionary<UInt128, int>();
        for (var row = 0; row < from.Images.Length; row++)
        {
            places.TryAdd(from.Images[row].Content, row);
        }

        for (var index = 0; index < images.Length; index++)
        {
            if (!rows.Has(index) && images[index].Content != default
                && places.TryGetValue(images[index].Content, out var row))
            {
                rows.Fill(index, from.Row(row));
            }
        }
    }

    private static void CopyRepeats(ImageIdentity[] images, FeatureRows rows)
    {
        var places = new Dictionary<UInt128, int>();
        for (var index = 0; index < images.Length; index++)
        {
            if (rows.Has(index) && images[index].Content != default)
            {
                places.TryAdd(images[index].Content, index);
            }
        }

        for (var index = 0; index < images.Length; index++)
        {
            if (!rows.Has(index) && places.TryGetValue(images[index].Content, out var same))
            {
                rows.Fill(index, rows.Row(same));
            }
        }
    }

    private void CopyFromOthers(StoreFile file, ImageIdentity[] images, FeatureRows rows)
    {
        foreach (var other in OthersThan(file))
        {
            using var stored = StoredFeatures.Read(other.FullName, file.MadeBy, _width, noted: null);
            Copy(stored, images, rows);
        }
    }

    private IEnumerable<FileInfo> OthersThan(StoreFile file)
    {
        try
        {
            return Directory.Exists(folder)
                ? new DirectoryInfo(folder).GetFiles($"{file.Prefix}*.safetensors")
                    .Where(other => other.FullName != Path.GetFullPath(file.Path))
                    .OrderByDescending(other => other.LastWriteTimeUtc).Take(OthersRead)
                : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // the file of this data set is reported when it cannot be written
        }
    }

    // Stores the filled rows if the file does not hold the same already.
    private FeatureSet Finish(
        IImageDataset data, ImageIdentity[] images, FeatureRows rows, ImageIdentity[] stored, StoreFile? file)
    {
        CopyRepeats(images, rows);
        var (values, indices) = rows.Take();
        ImageIdentity[] filled = [.. indices.Select(index => images[index])];
        if (file is { } target && indices.Length > 0 && !filled.AsSpan().SequenceEqual(stored))
        {
            try
            {
                Directory.CreateDirectory(folder!);
                StoredFeatures.Write(target.Path, target.MadeBy, filled, values);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                Noted?.Invoke(
                    $"{target.Path}: features were not stored: {error.Message} They are computed again the next time.");
            }
        }

        return new FeatureSet(
            values, [.. indices.Select(data.LabelOf)], indices, [.. indices.Select(data.NameOf)]);
    }

    private StoreFile FileOf(string directory, IImageDataset data)
    {
        var madeBy = string.Join('\n',
            Format, $"weights {WeightHash.Of(encoder)}", $"view {view.Describe()}", $"layer {layer}",
            $"precision {encoder.Precision}");
        var source = Path.Exists(data.Description) ? Path.GetFullPath(data.Description) : data.Description;
        if (data is ImageSubset part)
        {
            source += $"\n{Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(part.Positions)))}";
        }

        var prefix = $"images-{Hash(madeBy)}-";
        return new StoreFile(Path.Combine(directory, $"{prefix}{Hash(source)}.safetensors"), prefix, madeBy);
    }

    private static string Hash(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));

    private readonly record struct StoreFile(string Path, string Prefix, string MadeBy);
}
