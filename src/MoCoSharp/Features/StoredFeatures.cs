using System.Runtime.InteropServices;
using MoCoSharp.Data.Datasets;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>L2-normalized features in a file, each with the identity of its image.</summary>
/// <remarks>
/// A safetensors file: <c>images</c>, an identity a row, and <c>features.0</c>, <c>features.1</c> and so on with the
/// rows in order. A file may be torn or hostile: reading checks its checksum, shapes and values.
/// </remarks>
internal sealed class StoredFeatures : IDisposable
{
    private const int Integers = 6; // of an identity
    private const int RowsInPart = 1 << 16; // a tensor is read and written as one span of at most 2 GB
    private const double LongestSquare = 1.1; // of a row, which has length 1, with rounding, or 0
    private const string MadeByKey = "madeBy";

    private readonly SafeTensors _file;
    private readonly nint[] _parts;
    private readonly int _width;

    private StoredFeatures(SafeTensors file, ImageIdentity[] images, IReadOnlyList<Tensor> parts, int width)
    {
        (_file, Images, _width) = (file, images, width);
        _parts = [.. parts.Select(FeatureRows.Address)];
    }

    /// <summary>The identity of the image of each row. Length M.</summary>
    public ImageIdentity[] Images { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="madeBy">What the features must have been made by.</param>
    /// <param name="width">D.</param>
    /// <param name="noted">Receives the reason if a file cannot be used.</param>
    /// <returns>Null if there is no file, or none that can be used.</returns>
    public static StoredFeatures? Read(string path, string madeBy, int width, Action<string>? noted)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        SafeTensors? file = null;
        try
        {
            file = SafeTensors.Read(path);
            return Check(file, madeBy, width);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException
            or ArgumentException or OverflowException or ExternalException)
        {
            file?.Dispose();
            var reason = error.Message.Replace($"{path}: ", "", StringComparison.Ordinal).TrimEnd('.');
            noted?.Invoke($"{path}: cannot be used ({reason}). Its features are computed again.");
            return null;
        }
    }

    /// <summary>
    /// Writes a file under a temporary name, and renames it: a reader sees the old file or the new one.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="madeBy">What the features were made by.</param>
    /// <param name="images">Length M, above 0.</param>
    /// <param name="values">L2-normalized. Shape [M, D].</param>
    /// <exception cref="IOException">The file could not be written. An old file is unchanged.</exception>
    public static void Write(string path, string madeBy, IReadOnlyList<ImageIdentity> images, Tensor values)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        List<(string, Tensor)> tensors = [("images", tensor(Numbers(images), [images.Count, Integers]))];
        for (var first = 0; first < images.Count; first += RowsInPart)
        {
            var rows = Math.Min(RowsInPart, images.Count - first);
            tensors.Add(($"features.{first / RowsInPart}", values.narrow(0, first, rows)));
        }

        // A name of its own: another process may be writing the same file.
        var unfinished = $"{path}.{Guid.NewGuid():N}";
        try
        {
            AtomicFile.Write(unfinished, stream => SafeTensors.Write(
                stream, tensors, new Dictionary<string, string> { [MadeByKey] = madeBy }));
            AtomicFile.Replace(unfinished, path);
        }
        finally
        {
            File.Delete(unfinished); // only there if it could not be renamed
        }
    }

    /// <summary>The features of a row. Length D.</summary>
    /// <param name="row">0 to M - 1.</param>
    public unsafe ReadOnlySpan<float> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Images.Length);
        return new((float*)_parts[row / RowsInPart] + ((long)(row % RowsInPart) * _width), _width);
    }

    public void Dispose() => _file.Dispose();

    private static StoredFeatures Check(SafeTensors file, string madeBy, int width)
    {
        if (file.Metadata.GetValueOrDefault(MadeByKey) != madeBy)
        {
            throw new InvalidDataException("it holds features of another encoder, layer or view");
        }

        if (file.Tensors.GetValueOrDefault("images")
            is not { dtype: ScalarType.Int64, shape: [var count and > 0 and <= int.MaxValue, Integers] } images)
        {
            throw new InvalidDataException("it names no images");
        }

        List<Tensor> parts = [];
        for (var first = 0L; first < count; first += RowsInPart)
        {
            if (file.Tensors.GetValueOrDefault($"features.{parts.Count}")
                    is not { dtype: ScalarType.Float32, shape: [var rows, var columns] } part
                || rows != Math.Min(RowsInPart, count - first)
                || columns != width)
            {
                throw new InvalidDataException(
                    $"it has no features of {width} values for {count} images in features.{parts.Count}");
            }

            CheckLengths(part);
            parts.Add(part);
        }

        return new StoredFeatures(file, Identities(images.data<long>().ToArray()), parts, width);
    }

    // The comparison is also false for NaN.
    private static void CheckLengths(Tensor part)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (!((part * part).sum(1).max().item<float>() <= LongestSquare))
        {
            throw new InvalidDataException("some features are not finite, or not of length 1");
        }
    }

    private static long[] Numbers(IReadOnlyList<ImageIdentity> images)
    {
        var numbers = new long[Integers * images.Count];
        for (var (i, at) = (0, 0); i < images.Count; i++, at += Integers)
        {
            var image = images[i];
            (numbers[at], numbers[at + 1]) = ((long)(ulong)(image.Content >> 64), (long)(ulong)image.Content);
            (numbers[at + 2], numbers[at + 3]) = ((long)(ulong)(image.Name >> 64), (long)(ulong)image.Name);
            (numbers[at + 4], numbers[at + 5]) = (image.Length, image.Written);
        }

        return numbers;
    }

    private static ImageIdentity[] Identities(long[] numbers)
    {
        var images = new ImageIdentity[numbers.Length / Integers];
        for (var (i, at) = (0, 0); i < images.Length; i++, at += Integers)
        {
            images[i] = new ImageIdentity(
                new UInt128((ulong)numbers[at], (ulong)numbers[at + 1]),
                new UInt128((ulong)numbers[at + 2], (ulong)numbers[at + 3]),
                numbers[at + 4],
                numbers[at + 5]);
        }

        return images;
    }
}
